#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""form_browser.py URL CA USER [CODE]: signs in as a person would, by filling in
the forms of the pages that follow one another."""
import html, http.cookiejar, re, ssl, sys, urllib.parse, urllib.request

url, ca, user = sys.argv[1:4]
code = sys.argv[4] if len(sys.argv) > 4 else ""
browser = urllib.request.build_opener(
    urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
answers = {"login": user, "password": "any", "user_code": code}
page = browser.open(url)
for _ in range(8):
    text, base = page.read().decode(), page.geturl()
    form = re.search(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', text, re.S)
    if not form or "Success" in text:
        break
    data = {}
    for field in re.findall(r"<input[^>]*>", form.group(2)):
        name = re.search(r'name="([^"]*)"', field)
        value = re.search(r'value="([^"]*)"', field)
        if name:
            data[name.group(1)] = (
                html.unescape(value.group(1)) if value and value.group(1)
                else answers.get(name.group(1), ""))
    page = browser.open(
        urllib.parse.urljoin(base, html.unescape(form.group(1))),
        urllib.parse.urlencode(data).encode())
