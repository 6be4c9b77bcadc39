// SPDX-License-Identifier: GPL-3.0-or-later
// oidc.mjs TREE CERT KEY - a certified OpenID provider (npm oidc-provider, below
// TREE) on https://mail.example.test:9443: codes for devices, PKCE, and refresh
// tokens that rotate, where a second use of one ends them all.
import https from 'node:https';
import fs from 'node:fs';
import { createRequire } from 'node:module';

const [tree, cert, key] = process.argv.slice(2);
const require = createRequire(tree + '/package.json');
const module = await import(require.resolve('oidc-provider'));
const Provider = module.default ?? module.Provider;
const provider = new Provider('https://mail.example.test:9443', {
	clients: [{
		client_id: 'relais-test',
		token_endpoint_auth_method: 'none',
		application_type: 'native',
		grant_types: ['authorization_code', 'refresh_token',
			'urn:ietf:params:oauth:grant-type:device_code'],
		response_types: ['code'],
		redirect_uris: ['http://127.0.0.1'],
	}],
	features: {
		devInteractions: { enabled: true },
		deviceFlow: { enabled: true },
	},
	scopes: ['openid', 'offline_access', 'smtp.send'],
	rotateRefreshToken: true,
	issueRefreshToken: async () => true,
	findAccount: (ctx, id) => ({
		accountId: id,
		claims: () => ({ sub: id, email: id }),
	}),
});
provider.on('grant.error', (ctx, err) => console.log('refused', err.error));
provider.on('grant.success', (ctx) =>
	console.log('granted', ctx.oidc.params.grant_type));
https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) },
	provider.callback()).listen(9443, '127.0.0.1', () => console.log('ready'));
