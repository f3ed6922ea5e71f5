import { expect } from 'vitest'
import { zipOf } from '../../host.ts'
import { refuses, works, type Case, type Group } from '../case.ts'
import { PREFIX } from '../names.ts'
import { OF_CODE } from './parameters.ts'

const LayerName = 'layer'
const ARN = `${PREFIX}:layer:layer`
const ZipFile = await zipOf({ 'nodejs/node_modules/loud/index.js': 'exports.loud = 1' })
const NOT_THERE = /^The resource you requested does not exist\.$/
const { ImageUri: _, SourceKMSKeyArn: __, ...OF_CONTENT } = OF_CODE
const anyone = { StatementId: 'all', Action: 'lambda:GetLayerVersion', Principal: '*' }
const version = { LayerName, VersionNumber: 1 }
const none = { LayerName, VersionNumber: 99 }

const permissions: readonly Case[] = [
  works(
    'AddLayerVersionPermission',
    'lets others use a version',
    { ...version, ...anyone, OrganizationId: 'o-0123456789' },
    { Statement: expect.stringContaining('o-0123456789'), RevisionId: expect.any(String) },
  ),
  works(
    'AddLayerVersionPermission',
    'adds to the revision that was seen',
    (seen) => ({
      ...version,
      ...anyone,
      StatementId: 'one',
      Principal: '111111111111',
      RevisionId: seen.last('AddLayerVersionPermission').RevisionId,
    }),
    {},
  ),
  refuses(
    'AddLayerVersionPermission',
    'ResourceConflictException',
    'a statement that there is',
    { ...version, ...anyone },
    /^The statement id \(all\) provided already exists\. Please provide a new statement id, or remove the existing statement\.$/,
  ),
  refuses(
    'AddLayerVersionPermission',
    'PreconditionFailedException',
    'another revision',
    { ...version, ...anyone, StatementId: 'two', RevisionId: 'other' },
    /^The Revision Id provided does not match the latest Revision Id\./,
  ),
  refuses(
    'AddLayerVersionPermission',
    'ResourceNotFoundException',
    'a version that there is not',
    { ...none, ...anyone },
    NOT_THERE,
  ),
  refuses(
    'AddLayerVersionPermission',
    'InvalidParameterValueException',
    'an organization of one account',
    { ...version, ...anyone, StatementId: 'two', Principal: '111111111111', OrganizationId: 'o-0123456789' },
    /OrganizationId/,
  ),
  refuses(
    'AddLayerVersionPermission',
    'ValidationException',
    'another action',
    { ...version, ...anyone, StatementId: 'two', Action: 'lambda:InvokeFunction' },
    /at 'action' failed to satisfy constraint/,
  ),
  works('GetLayerVersionPolicy', 'shows the policy', version, {
    Policy: expect.stringContaining('"Sid":"all"'),
    RevisionId: expect.any(String),
  }),
  refuses(
    'GetLayerVersionPolicy',
    'ResourceNotFoundException',
    'a version without one',
    { LayerName, VersionNumber: 2 },
    /^No policy is associated with the given resource\.$/,
  ),
  works('RemoveLayerVersionPermission', 'takes a statement away, at the revision that was seen', (seen) => ({
    ...version,
    StatementId: 'one',
    RevisionId: seen.last('GetLayerVersionPolicy').RevisionId,
  })),
  refuses(
    'RemoveLayerVersionPermission',
    'PreconditionFailedException',
    'another revision',
    { ...version, StatementId: 'all', RevisionId: 'other' },
    /^The Revision Id provided does not match/,
  ),
  refuses(
    'RemoveLayerVersionPermission',
    'ResourceNotFoundException',
    'a statement that there is not',
    { ...version, StatementId: 'one' },
    /^Statement one is not found in resource policy\.$/,
  ),
]

export const layers: Group = {
  title: 'layers',
  cases: [
    works(
      'PublishLayerVersion',
      'publishes a version',
      {
        LayerName,
        Content: { ZipFile },
        Description: 'loud',
        CompatibleRuntimes: ['nodejs22.x'],
        CompatibleArchitectures: ['x86_64'],
        LicenseInfo: 'MIT',
      },
      {
        LayerArn: ARN,
        LayerVersionArn: `${ARN}:1`,
        Version: 1,
        Description: 'loud',
        CompatibleRuntimes: ['nodejs22.x'],
        CompatibleArchitectures: ['x86_64'],
        LicenseInfo: 'MIT',
        Content: { CodeSize: ZipFile.length, CodeSha256: expect.any(String) },
      },
    ),
    works('PublishLayerVersion', 'publishes the next one', { LayerName, Content: { ZipFile } }, { Version: 2 }),
    works(
      'PublishLayerVersion',
      'publishes another layer',
      { LayerName: 'other', Content: { ZipFile }, CompatibleRuntimes: ['python3.13'] },
      { Version: 1 },
    ),
    refuses(
      'PublishLayerVersion',
      'InvalidParameterValueException',
      'what is no zip',
      { LayerName, Content: { ZipFile: Buffer.from('no zip') } },
      /^Could not unzip uploaded file\. Please check your file, then try to upload again\.$/,
    ),
    refuses(
      'PublishLayerVersion',
      'InvalidParameterValueException',
      'an empty zip',
      { LayerName, Content: { ZipFile: await zipOf({}) } },
      /^Uploaded file must be a non-empty zip$/,
    ),
    refuses(
      'PublishLayerVersion',
      'ResourceNotFoundException',
      'a layer of another account',
      { LayerName: 'arn:aws:lambda:us-east-1:111111111111:layer:any', Content: { ZipFile } },
      NOT_THERE,
    ),
    refuses(
      'PublishLayerVersion',
      'ValidationException',
      'a runtime that is none',
      { LayerName, Content: { ZipFile }, CompatibleRuntimes: ['cobol'] },
      /compatibleRuntimes/,
    ),
    ...Object.entries(OF_CONTENT).map(([name, value]) =>
      refuses(
        'PublishLayerVersion',
        'InvalidParameterValueException',
        `the content parameter ${name}`,
        { LayerName, Content: { [name]: value } },
        new RegExp(`^The parameter Content\\.${name} is not supported: `),
      ),
    ),
    works('GetLayerVersion', 'shows a version', version, { LayerVersionArn: `${ARN}:1`, Content: { CodeSize: ZipFile.length } }),
    refuses('GetLayerVersion', 'ResourceNotFoundException', 'a version that there is not', none, NOT_THERE),
    refuses(
      'GetLayerVersion',
      'InvalidParameterValueException',
      'a version 0',
      { LayerName, VersionNumber: 0 },
      /Layer Version Cannot be less than 1/,
    ),
    works('GetLayerVersionByArn', 'shows it by its ARN', { Arn: `${ARN}:1` }, { Version: 1 }),
    refuses('GetLayerVersionByArn', 'ResourceNotFoundException', 'a version that there is not', { Arn: `${ARN}:99` }, NOT_THERE),
    refuses(
      'GetLayerVersionByArn',
      'ValidationException',
      'what is no ARN of a version',
      { Arn: ARN },
      /at 'arn' failed to satisfy constraint/,
    ),
    works(
      'ListLayerVersions',
      'lists versions, the newest first, page by page',
      { LayerName, MaxItems: 1 },
      { LayerVersions: [{ Version: 2 }], NextMarker: expect.any(String) },
    ),
    works(
      'ListLayerVersions',
      'goes on from a marker',
      (seen) => ({ LayerName, MaxItems: 1, Marker: seen.last('ListLayerVersions').NextMarker }),
      { LayerVersions: [{ Version: 1 }] },
    ),
    works(
      'ListLayerVersions',
      'lists those that fit',
      { LayerName, CompatibleRuntime: 'nodejs22.x', CompatibleArchitecture: 'x86_64' },
      { LayerVersions: [{ Version: 1 }] },
    ),
    refuses(
      'ListLayerVersions',
      'InvalidParameterValueException',
      'a marker from elsewhere',
      { LayerName, Marker: 'none' },
      /The Marker "none"/,
    ),
    works(
      'ListLayers',
      'lists layers with their newest versions, page by page',
      { MaxItems: 1 },
      { Layers: [{ LayerName, LatestMatchingVersion: { Version: 2 } }], NextMarker: expect.any(String) },
    ),
    works('ListLayers', 'goes on from a marker', (seen) => ({ Marker: seen.last('ListLayers').NextMarker }), {
      Layers: [{ LayerName: 'other' }],
    }),
    works(
      'ListLayers',
      'lists those that fit',
      { CompatibleRuntime: 'nodejs22.x', CompatibleArchitecture: 'x86_64' },
      { Layers: [{ LayerName, LatestMatchingVersion: { Version: 1 } }] },
    ),
    refuses('ListLayers', 'InvalidParameterValueException', 'a marker from elsewhere', { Marker: 'none' }, /The Marker "none"/),
    ...permissions,
    works('DeleteLayerVersion', 'deletes a version', { LayerName: 'other', VersionNumber: 1 }),
    works('DeleteLayerVersion', 'may be asked for twice', { LayerName: 'other', VersionNumber: 1 }),
  ],
}
