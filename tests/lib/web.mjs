// SPDX-License-Identifier: GPL-3.0-or-later
// web.mjs PEERS URL SHOTS ID LANGUAGE... - looks at relais-web with a headless
// Chromium; one line PASS or FAIL for each check.  PEERS has puppeteer-core and
// axe-core of npm (tests/lib/peers); SHOTS is a folder for screenshots; ID a message
// whose subject and addresses are hostile; LANGUAGEs are what the pages are read in.
// What the page must hear of without being loaded again
// is done by the commands in $CHANGE and $REFUSED.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [peers, url, shots, id, ...languages] = process.argv.slice(2);
// One of a queue that is long, for how long it takes.
const many = process.env.MANY ?? url;
const require = createRequire(import.meta.url);
const puppeteer = require(`${peers}/puppeteer-core/node_modules/puppeteer-core`);
const axe = readFileSync(`${peers}/axe-core/node_modules/axe-core/axe.min.js`,
	"utf8");
let isBad = false;

function check(name, isGood, why) {
	console.log(`${isGood ? "PASS" : "FAIL"} ${name}`);
	if (!isGood) {
		isBad = true;
		console.log(`     ${JSON.stringify(why)}`);
	}
}

const browser = await puppeteer.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	headless: true,
	userDataDir: process.env.PROFILE,
	// The tests are root's, in namespaces of their own.
	args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const complaints = [], foreign = [];

async function open() {
	const page = await browser.newPage();

	page.setDefaultTimeout(60000);
	page.on("console", (m) => {
		if (["error", "warning", "warn"].includes(m.type()))
			complaints.push(m.text());
	});
	page.on("pageerror", (e) => complaints.push(String(e)));
	page.on("dialog", (d) => {
		complaints.push(`dialog: ${d.message()}`);
		d.dismiss();
	});
	page.on("request", (r) => {
		if (!r.url().startsWith(`${url}/`) && !r.url().startsWith(`${many}/`))
			foreign.push(r.url());
	});
	return page;
}

const screens = [
	["phone", { width: 320, height: 640, isMobile: true, hasTouch: true }],
	["desk", { width: 1280, height: 900 }],
];
const pages = [["home", "/"], ["messages", "/messages"],
	["search", "/messages?text=%3Cscript%3E&state=due"],
	["message", `/message/${id}`], ["missing", "/nowhere"]];

for (const [screen, viewport] of screens)
	for (const [language, scheme] of languages.flatMap((l) =>
		[[l, "light"], [l, "dark"]])) {
		const page = await open(), faults = [], wide = [], other = [];

		await page.setViewport(viewport);
		await page.setExtraHTTPHeaders({ "Accept-Language": language });
		await page.emulateMediaFeatures([
			{ name: "prefers-color-scheme", value: scheme },
		]);
		for (const [name, path] of pages) {
			await page.goto(url + path);
			if (name === "missing")
				complaints.pop(); // it is told that it is missing
			await page.screenshot({ fullPage: true,
				path: `${shots}/${name}-${screen}-${scheme}` +
					`${language === "en" ? "" : `-${language}`}.png` });
			// Not as an element of the page, which its policy forbids.
			await page.evaluate(axe);
			const seen = await page.evaluate(() => axe.run());
			for (const v of seen.violations)
				faults.push([name, v.id, v.nodes[0].html]);
			if (await page.evaluate(() =>
				document.documentElement.scrollWidth > innerWidth))
				wide.push(name);
			if (await page.evaluate(() => document.documentElement.lang) !==
				language)
				other.push(name);
		}
		check(`axe finds nothing (${screen}, ${scheme}, ${language})`,
			faults.length === 0, faults);
		check(`  nothing is wider than the screen`, wide.length === 0, wide);
		check(`  all is of that language`, other.length === 0, other);
		await page.close();
	}

const page = await open();

await page.goto(`${url}/message/${id}`);
check("a hostile message is text", await page.evaluate(() =>
	document.body.textContent.includes("<script>") &&
	document.querySelector("main img, main script, main iframe, main style") ===
		null && window.hostile === undefined), "it is more than text");

await page.goto(`${url}/`);
await page.keyboard.press("Tab");
check("the first key leads past the header", await page.evaluate(() =>
	document.activeElement.getAttribute("href") === "#main"), "it does not");
await page.keyboard.press("/");
await page.keyboard.type("nobody@nowhere");
await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
check("a search by keys alone", page.url().includes("/messages?text=nobody") &&
	(await page.content()).includes("No such message"), page.url());

await page.goto(`${url}/`);
await page.waitForFunction(() =>
	document.getElementById("live").textContent === "Live.");
await page.evaluate(() => { window.isSame = true; });
await page.focus("#queue a");
const before = await page.$eval("#queue", (e) => e.textContent);
execFile("sh", ["-c", process.env.CHANGE]);
await page.waitForFunction((text) =>
	document.getElementById("queue").textContent !== text, {}, before)
	.catch(() => {});
const after = await page.$eval("#queue", (e) => e.textContent);
check("an open page hears of a new message", before !== after, after);
check("  and is not loaded for it", await page.evaluate(() => window.isSame),
	"it was");
check("  nor loses its place", await page.evaluate(() =>
	document.activeElement.closest("#queue") !== null), "it does");

const losses = await page.$eval("#losses", (e) => e.textContent);
execFile("sh", ["-c", process.env.REFUSED]);
await page.waitForFunction((text) =>
	document.getElementById("losses").textContent !== text, {}, losses).catch(() => {});
check("  and of one that is refused while its client waits",
	(await page.$eval("#losses", (e) => e.textContent)) !== losses, losses);

// From the request to the first pixels, as the browser measures it.
async function paint(of) {
	await page.goto(`${of}/`);
	await page.waitForFunction(() =>
		performance.getEntriesByName("first-contentful-paint").length > 0);
	return page.evaluate(() => Math.round(
		performance.getEntriesByName("first-contentful-paint")[0].startTime));
}
const few = [], lots = [];
for (let i = 0; i < 5; i++) {
	few.push(await paint(url));
	lots.push(await paint(many));
}
console.log(`     first paint after ${lots.join(", ")} ms, of a short queue ` +
	`after ${few.join(", ")} ms`);
check("no first screen waits for what grows with the queue",
	Math.min(...lots) < 3 * Math.min(...few) + 200, lots);
await page.close();

const plain = await open();

await plain.setJavaScriptEnabled(false);
await plain.goto(`${url}/`);
const text = await plain.$eval("main", (e) => e.textContent);
check("without JavaScript the first page has all",
	/Accounts.*Queue.*waiting/s.test(text), text);
await plain.type("#text", "no-such-thing");
await Promise.all([plain.waitForNavigation(), plain.keyboard.press("Enter")]);
check("  and can be searched",
	(await plain.$eval("main", (e) => e.textContent)).includes("No such"),
	plain.url());

check("nothing is loaded from elsewhere", foreign.length === 0, foreign);
check("the browser has no complaint", complaints.length === 0, complaints);
await browser.close();
process.exit(isBad ? 1 : 0);
