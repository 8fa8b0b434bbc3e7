// An OpenID Connect provider of others (oidc-provider, certified), as the tests need it.
//
//     node provider.mjs FOLDER-OF-NODE_MODULES < settings.json
//
// It serves each of `issuers` on a loopback port, prints one line of JSON with the ports, and ends
// when its standard input ends, so that no test has to signal it.
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const entry = join(process.argv[2], 'node_modules', 'oidc-provider', 'lib', 'index.js')
const { Provider } = await import(pathToFileURL(entry))

process.stdin.setEncoding('utf8')
const lines = process.stdin[Symbol.asyncIterator]()
let text = ''
while (!text.includes('\n')) text += (await lines.next()).value
const settings = JSON.parse(text)

const ports = []
for (const { issuer, clients, jwks } of settings.issuers) {
  const provider = new Provider(issuer, {
    clients,
    jwks,
    acrValues: ['urn:unit:two-factors'],
    claims: { openid: ['sub'], acr: null, amr: null, auth_time: null },
    cookies: { keys: ['of tests'] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // Nobody is asked for consent: these clients are the unit's own.
    async loadExistingGrant(context) {
      const { client, session } = context.oidc
      const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid')
      await grant.save()
      return grant
    },
  })
  const server = createServer(provider.callback())
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  ports.push(server.address().port)
}
console.log(JSON.stringify({ ports }))
while (!(await lines.next()).done);
process.exit(0)
