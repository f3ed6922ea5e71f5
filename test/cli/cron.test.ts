import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { create, nodeFunction, removeFolders } from '../gateway/management/host.ts'
import { Managed } from './managed.ts'

let managed: Managed
beforeAll(async () => {
  managed = await Managed.start({ lanes: 1 })
  const source = `export default { scheduled: ({ schedule, cron }) => console.log('tick of ' + schedule + ' by ' + cron) }`
  await create(managed.host.client, await nodeFunction('report', source, { Handler: 'index.default' }))
})
afterAll(async () => {
  await managed.close()
  await removeFolders()
})

describe('ampoule cron', () => {
  it('makes schedules, shows when they run, runs them, pauses and deletes them', async () => {
    const made = await managed.says(['cron', 'create', 'daily', '0 6 * * *', 'report', '--timezone', 'Asia/Tokyo'])
    expect(made).toMatch(/^daily runs next at \d{4}-\d\d-\d\d 21:00:00 UTC\n$/)
    expect(await managed.says('cron list')).toMatch(
      /^SCHEDULE +EXPRESSION +ZONE +TARGET +NEXT\ndaily +0 6 \* \* \* +Asia\/Tokyo +report +\d{4}-\d\d-\d\d 21:00:00 UTC\n$/,
    )
    expect(await managed.says('cron run daily')).toBe('daily is about to run\n')
    await expect
      .poll(async () => (await managed.ampoule('logs report')).stdout, { timeout: 20_000, interval: 200 })
      .toContain('tick of daily by 0 6 * * *')
    expect(await managed.says('cron pause daily')).toBe('daily is paused\n')
    expect(await managed.says('cron list')).toMatch(/ paused\n$/)
    expect(await managed.says('cron resume daily')).toBe('daily is at work\n')
    expect(await managed.says('cron list')).toMatch(/ 21:00:00 UTC\n$/)
    expect(await managed.says('cron delete daily')).toBe('daily is deleted\n')
    expect(await managed.json('cron list')).toEqual({ Schedules: [] })
  })

  it.each([
    [['cron', 'create', 'x', 'never', 'report'], 2, '"never" is no cron'],
    [['cron', 'create', 'x', '@daily', 'nowhere'], 2, 'The target nowhere does not exist'],
    [['cron', 'create', 'x', '@daily', 'report', '--missed', 'never'], 2, '--missed is "never": it must be once, all, skip'],
    [['cron', 'create', 'a b', '@daily', 'report'], 2, 'must have 1 to 64 letters'],
    [['cron', 'run', 'nowhere'], 4, 'Schedule nowhere does not exist'],
    [['cron', 'pause', 'nowhere'], 4, 'Schedule nowhere does not exist'],
  ])('says what is wrong with %j', async (line, code, message) => {
    const answer = await managed.ampoule(line)
    expect(answer.stderr).toContain(message)
    expect(answer).toMatchObject({ code, stdout: '' })
  })
})
