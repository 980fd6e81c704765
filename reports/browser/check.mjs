// Opens a report in Chromium and holds it to what the report promises: `node check.mjs REPORT.html`.
// CHROMIUM says where the browser is, SCREENSHOTS where to put pictures of the page.
import { chromium } from "playwright-core";
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const file = process.argv[2];
if (!file) {
  console.error("failed to start: no report was named\n  help: node check.mjs REPORT.html");
  process.exit(2);
}
const url = pathToFileURL(resolve(file)).href;
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const pictures = process.env.SCREENSHOTS;
if (pictures) mkdirSync(pictures, { recursive: true });
// Far above what is aimed at: a busy machine must not fail a page that is sound.
const LOAD_MS_MOST = 15_000;

const failures = [];
function check(holds, what) {
  console.log(`${holds ? "ok  " : "FAIL"}  ${what}`);
  if (!holds) failures.push(what);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

/** A page of the report, with what it complained of and asked the network for. */
async function open(name, options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 }, ...options });
  const page = await context.newPage();
  const noted = { complaints: [], requests: [] };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) noted.complaints.push(message.text());
  });
  page.on("pageerror", (error) => noted.complaints.push(String(error)));
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) noted.requests.push(request.url());
  });
  const before = Date.now();
  await page.goto(url, { waitUntil: "load" });
  console.log(`      ${name}: opened in ${Date.now() - before} ms`);
  check(Date.now() - before < LOAD_MS_MOST, `${name}: opens`);
  return { page, noted };
}
async function shoot(page, name) {
  if (pictures) await page.screenshot({ path: `${pictures}/${name}.png` });
}
function silent(name, noted) {
  check(noted.complaints.length === 0, `${name}: no console error ${noted.complaints.join(" | ")}`);
  check(noted.requests.length === 0, `${name}: no network request ${noted.requests.join(" | ")}`);
}

// Below the top of the window, and at most as far as the end of the page keeps it from there.
async function lands(page, id, what) {
  const [top, most] = await page.evaluate((id) => {
    const top = document.getElementById(id).getBoundingClientRect().top;
    const under = document.documentElement.scrollHeight - scrollY - innerHeight;
    return [top, under < 2 ? innerHeight : 40];
  }, id);
  check(top > -5 && top < most, `${what} leads to its run, ${Math.round(top)} px from the top`);
}

async function reads(page) {
  check(await page.locator("h1 .word").isVisible(), "the verdict is seen first");
  const missed = page.locator("#missed article h3 a").first();
  if (await missed.count()) {
    await missed.click();
    const target = await page.evaluate(() => location.hash.slice(1));
    await page.waitForTimeout(1_500);
    check(await page.locator(`[id="${target}"]`).isVisible(), "a run that did not pass is one click away");
    await lands(page, target, "its link");
    const last = page.locator("#missed article h3 a").last();
    await last.click();
    const end = await page.evaluate(() => location.hash.slice(1));
    await page.waitForTimeout(1_500);
    await lands(page, end, "the link of the last one");
    await page.goto(`${url}#${end}`);
    await page.reload();
    await page.waitForTimeout(1_500);
    await lands(page, end, "an address that names a run");
    await page.evaluate(() => { location.hash = ""; scrollTo(0, 0); });
  }
  await page.locator(".cells a").first().click();
  const target = await page.evaluate(() => location.hash.slice(1));
  check(await page.locator(`[id="${target}"]`).isVisible(), "a cell of the grid leads to its run");
}

async function plots(page) {
  const run = page.locator("article.run").first();
  if (!(await run.count())) return;
  const latency = run.locator("svg[aria-label='Capture-to-render latency, ms']").first();
  await latency.scrollIntoViewIfNeeded();
  await page.waitForTimeout(600);
  await latency.scrollIntoViewIfNeeded();
  const box = await latency.boundingBox();
  const range = () => run.locator("svg[data-group]").evaluateAll((all) => all.map((svg) => svg.dataset.from ?? "whole"));
  let told = "";
  for (let share = 0.3; share < 0.95 && !told; share += 0.05) {
    await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    told = await page.locator("#tip").evaluate((tip) => (tip.hidden ? "" : tip.textContent));
  }
  check(/\d/.test(told), `a plot tells its values: ${told.replaceAll("\n", ", ")}`);
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  const zoomed = await range();
  check(zoomed[0] !== "whole" && zoomed.every((from) => from === zoomed[0]), `${zoomed.length} plots zoom in step, from ${zoomed[0]} s`);
  await shoot(page, "zoomed");
  await run.locator(".reset").first().click();
  check((await range()).every((from) => from === "0"), "a button shows the whole run again");
  await latency.locator("xpath=ancestor::div[contains(@class,'scroll')]").focus();
  await page.keyboard.press("+");
  const keyed = await range();
  check(keyed[0] !== "0" && keyed.every((from) => from === keyed[0]), "keys zoom too");
  await page.keyboard.press("0");
  check((await range()).every((from) => from === "0"), "and back");
}

async function list(page) {
  const rows = page.locator("#table tbody tr");
  const all = await rows.count();
  await page.locator("#find").fill("no such scenario");
  check((await rows.locator("visible=true").count()) === 0, "the filter hides what does not match");
  await page.locator("#find").fill("");
  await page.locator("#table thead button", { hasText: "p95" }).click();
  const p95 = await page.locator("#table tbody tr td:nth-child(7)").evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.v)));
  check(p95.length === all && p95.every((value, at) => at === 0 || p95[at - 1] <= value), "the list is sorted by p95");
}

async function accessible(page, name) {
  // What is drawn only when it is scrolled to is drawn for whoever checks it.
  await page.evaluate(() => {
    for (const run of document.querySelectorAll("article.run")) run.style.contentVisibility = "visible";
  });
  await page.addScriptTag({ path: axe });
  const found = await page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ["violations"] });
    return result.violations.filter((rule) => ["serious", "critical"].includes(rule.impact))
      .map((rule) => `${rule.id} (${rule.nodes.length}): ${rule.nodes[0].html.slice(0, 160)}`);
  });
  check(found.length === 0, `${name}: axe finds nothing serious ${found.join(" | ")}`);
}

const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

{
  const { page, noted } = await open("desktop", {});
  await shoot(page, "desktop");
  check(await fits(page), "desktop: no overflow");
  await reads(page);
  await plots(page);
  await list(page);
  silent("desktop", noted);
  await page.context().close();
}
for (const [name, options] of [
  ["dark", { colorScheme: "dark" }],
  ["phone", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
]) {
  const { page, noted } = await open(name, options);
  await shoot(page, name);
  check(await fits(page), `${name}: no overflow`);
  silent(name, noted);
  await page.context().close();
}
for (const colorScheme of ["light", "dark"]) {
  // The page forbids foreign scripts, and axe is one.
  const { page } = await open(`axe, ${colorScheme}`, { bypassCSP: true, colorScheme });
  await accessible(page, colorScheme);
  await page.context().close();
}
{
  const { page, noted } = await open("without script", { javaScriptEnabled: false });
  const text = await page.locator("main").innerText();
  check(text.includes("All runs") && text.includes("List of runs"), "without script: it is still read");
  check((await page.locator("svg").count()) > 0, "without script: plots are there");
  silent("without script", noted);
  await page.context().close();
}
await browser.close();
console.log(failures.length === 0 ? "all holds" : `${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
