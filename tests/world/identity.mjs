// An OpenID provider for tests, in the profile of デジタル認証アプリ: pairwise subjects, PKCE,
// private_key_jwt. Whoever logs in says who they are: /interaction/<uid>/as/<person>, or /cancel.

import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [port, modules, client] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { Provider } = await load('oidc-provider');
const { generateKeyPair, exportJWK } = await load('jose');

async function key(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg };
}

const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
    subject_type: 'pairwise',
    response_types: ['code'],
    grant_types: ['authorization_code'],
    ...JSON.parse(client),
  }],
  jwks: { keys: [await key('ES256'), await key('RS256')] },
  cookies: { keys: ['only for tests'] },
  subjectTypes: ['pairwise'],
  pairwiseIdentifier: (_, account, { clientId }) =>
    createHash('sha256').update(`${clientId} ${account}`).digest('hex'),
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
});

provider.use(async (ctx, next) => {
  const found = /^\/interaction\/([\w-]+)(?:\/(as|cancel)(?:\/([\w-]+))?)?$/.exec(ctx.path);
  if (!found) return next();
  const [, , what, person] = found;
  if (!what) {
    ctx.body = 'Who are you?';
    return undefined;
  }
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  if (what === 'cancel') {
    const result = { error: 'access_denied', error_description: 'the person cancelled' };
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
  } else {
    const grant = new provider.Grant({ accountId: person, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    const result = { login: { accountId: person }, consent: { grantId: await grant.save() } };
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
  }
  ctx.respond = false;
  return undefined;
});

provider.on('grant.error', (_, error) => console.error('grant.error', error.message, error.error_description, error.error_detail));
provider.on('authorization.error', (_, error) => console.error('authorization.error', error.error_description, error.error_detail));
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
