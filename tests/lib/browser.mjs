// SPDX-License-Identifier: GPL-3.0-or-later
// browser.mjs TREE CHROMIUM KEY USER URL - a person with a real browser (npm
// puppeteer-core, below TREE) who opens URL, fills in what the pages ask and
// agrees.  Prints the text of the last page and its address.  KEY is the SHA-256
// of the one server key that is believed beside the system's authorities.
import { createRequire } from 'node:module';

const [tree, chromium, key, user, url] = process.argv.slice(2);
const require = createRequire(tree + '/package.json');
const puppeteer = require('puppeteer-core');
const browser = await puppeteer.launch({
	executablePath: chromium,
	pipe: true,
	args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
		'--no-first-run', `--ignore-certificate-errors-spki-list=${key}`,
		`--user-data-dir=${process.env.HOME}/chromium`],
});
const page = await browser.newPage();
await page.goto(url);
for (let i = 0; i < 5 && await page.$('[type=submit]'); i++) {
	for (const [name, value] of [['login', user], ['password', 'any']])
		if (await page.$(`input[name=${name}]`))
			await page.type(`input[name=${name}]`, value);
	await Promise.all([page.waitForNavigation(), page.click('[type=submit]')]);
}
console.log(await page.evaluate(() => document.body.innerText));
console.log(page.url());
await browser.close();
