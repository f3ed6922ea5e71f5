import {
  CreateFunctionCommand,
  GetFunctionCommand,
  ListTagsCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, nodeFunction, removeFolders, startManaged, type ManagedHost } from './host.ts'

const BASE = 'arn:aws:lambda:us-east-1:000000000000'
const TAGGED = `${BASE}:function:tagged`

let managed: ManagedHost
beforeAll(async () => {
  managed = await startManaged()
  await create(managed.client, await nodeFunction('tagged', 'export const handler = () => 1', { Tags: { team: 'blue' } }))
})
afterAll(async () => {
  await managed.stop()
  await removeFolders()
})

const failing = (name: string, message: RegExp) =>
  expect.objectContaining({ name, message: expect.stringMatching(message) as unknown }) as unknown
const tag = (Resource: string, Tags: Record<string, string>) => managed.client.send(new TagResourceCommand({ Resource, Tags }))
const tags = async (Resource = TAGGED) => (await managed.client.send(new ListTagsCommand({ Resource }))).Tags

describe('tags', () => {
  it('are given with the function, added, replaced and taken away', async () => {
    expect(await tags()).toEqual({ team: 'blue' })
    await tag(TAGGED, { team: 'grün', 'cost center': '7' })
    expect(await tags()).toEqual({ team: 'grün', 'cost center': '7' })
    const { Tags } = await managed.client.send(new GetFunctionCommand({ FunctionName: 'tagged' }))
    expect(Tags).toEqual({ team: 'grün', 'cost center': '7' })
    await managed.client.send(new UntagResourceCommand({ Resource: TAGGED, TagKeys: ['team', 'absent'] }))
    await managed.client.send(new UntagResourceCommand({ Resource: TAGGED, TagKeys: ['cost center'] }))
    expect(await tags()).toEqual({})
  })

  it('are at most 50, whether with the function or later', async () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 'v']))
    await tag(TAGGED, many)
    await expect(tag(TAGGED, { more: '1' })).rejects.toEqual(failing('InvalidParameterValueException', /51 tags.*50/))
    expect(await tags()).toEqual(many)
    const input = await nodeFunction('many', 'export const handler = () => 1', { Tags: { ...many, more: '1' } })
    await expect(managed.client.send(new CreateFunctionCommand(input))).rejects.toEqual(
      failing('InvalidParameterValueException', /51 tags/),
    )
    await managed.client.send(new UntagResourceCommand({ Resource: TAGGED, TagKeys: Object.keys(many) }))
  })

  it('are refused with Lambda’s errors where there can be none', async () => {
    await expect(tag(TAGGED, { 'aws:own': '1' })).rejects.toEqual(failing('InvalidParameterValueException', /reserved/))
    await expect(tag(TAGGED, { 'a<b': '1' })).rejects.toEqual(failing('ValidationException', /tags/))
    await expect(tag(`${TAGGED}:1`, { a: '1' })).rejects.toEqual(failing('InvalidParameterValueException', /versions/))
    await expect(tag(`${BASE}:function:none`, { a: '1' })).rejects.toEqual(failing('ResourceNotFoundException', /none/))
    await expect(tags(`${BASE}:layer:l:1`)).rejects.toEqual(failing('ValidationException', /resource/))
    await expect(tags(`${BASE}:event-source-mapping:00000000-0000-0000-0000-000000000000`)).rejects.toEqual(
      failing('ResourceNotFoundException', /./),
    )
    await expect(tags(TAGGED.replace('us-east-1', 'eu-west-1'))).rejects.toEqual(failing('ResourceNotFoundException', /./))
  })
})
