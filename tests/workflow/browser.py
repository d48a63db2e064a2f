"""Opens a page from disk in headless Chromium, clicks through it, and says what was seen, what failed and what was fetched."""

import html
import json
import re
import shutil
import subprocess

import pytest

# Runs before the page: whatever is not of the page itself is forbidden, and noted when it is asked for.
BEFORE = """<meta http-equiv="Content-Security-Policy" content="default-src 'self' data: blob: file: 'unsafe-inline' 'unsafe-eval'">
<script>
window.noted = {faults: [], requests: []};
window.addEventListener("error", e => noted.faults.push(String(e.message || e.target.src || e.target.href)), true);
window.addEventListener("unhandledrejection", e => noted.faults.push(String(e.reason)));
document.addEventListener("securitypolicyviolation", e => noted.requests.push(e.blockedURI));
</script>"""
AFTER = """<script>
const words = %s, wait = ms => new Promise(done => setTimeout(done, ms));
(async () => {
  const seen = {};
  const look = name => { seen[name] = {
    text: document.body.innerText, drawings: document.querySelectorAll("canvas, svg.marks").length,
    links: [...document.querySelectorAll("a[href]")].map(a => a.getAttribute("href")),
  }; };
  await wait(1500);
  look("start");
  for (const word of words) {
    const found = [...document.querySelectorAll("a, button")].filter(e => e.textContent.trim() === word);
    if (!found.length) { noted.faults.push("nothing to click: " + word); continue; }
    found[found.length - 1].click();
    await wait(1000);
    look(word);
  }
  noted.requests.push(...performance.getEntriesByType("resource").map(e => e.name).filter(name => !/^(file|data|blob):/.test(name)));
  const out = document.createElement("pre");
  out.id = "what-was-seen";
  out.textContent = JSON.stringify({...noted, seen});
  document.body.appendChild(out);
})();
</script>"""


def chromium():
    """Path of Chromium; the test is skipped where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("NO BROWSER: chromium is not installed; this test opens the report in it")
    return found


def visit(page, clicks, folder):
    """Open a page and click on the elements with these words, one after another.

    Returns
    -------
    dict : `faults` (errors of the page, things not found), `requests` (asked for and not of the page), `seen`
        (word, or "start" -> text, number of drawings, links after that click)
    """
    browser = chromium()
    text = page.read_text(encoding="utf-8")
    start, end = text.index("<head>") + len("<head>"), text.rindex("</body>")
    copy = page.with_name(f"visited-{page.name}")
    copy.write_text(text[:start] + BEFORE + text[start:end] + AFTER % json.dumps(clicks) + text[end:], encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    options += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=60000", "--dump-dom", copy.resolve().as_uri()]
    done = subprocess.run([browser, *options], capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL)
    found = re.search(r'<pre id="what-was-seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, f"the page did not come to its end:\n{done.stderr[-2000:]}"
    return json.loads(html.unescape(found[1]))
