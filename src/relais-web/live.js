// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps an open page as it would be if it were loaded now.  Without it all can be
// read, too.
"use strict";
(() => {
	const word = document.getElementById("live");
	let source = null, isBusy = false, isStale = false;

	// What the reader is at stays where it is.
	function replace(old, fresh) {
		const at = document.activeElement;
		const link = old.contains(at) ? at.getAttribute("href") : null;
		const chosen = document.getSelection();

		if (old.innerHTML === fresh.innerHTML ||
		    (!chosen.isCollapsed && chosen.containsNode(old, true)))
			return;
		old.replaceChildren(...document.importNode(fresh, true).childNodes);
		if (link !== null)
			for (const a of old.querySelectorAll("a"))
				if (a.getAttribute("href") === link)
					a.focus({ preventScroll: true });
	}

	async function refresh() {
		if (isBusy) {
			isStale = true;
			return;
		}
		isBusy = true;
		try {
			const answer = await fetch(location.href);
			const page = new DOMParser().parseFromString(
				await answer.text(), "text/html");
			const known = document.querySelectorAll("[data-live]");
			const found = page.querySelectorAll("[data-live]");
			const ids = (all) => Array.from(all, (x) => x.id).join();

			if (ids(known) !== ids(found))
				document.getElementById("main").replaceChildren(
					...document.importNode(page.getElementById("main"),
						true).childNodes);
			else
				known.forEach((old, i) => replace(old, found[i]));
		} catch {
			// The next event tries again.
		}
		isBusy = false;
		if (isStale) {
			isStale = false;
			refresh();
		}
	}

	function listen() {
		let wasOpen = false;

		source = new EventSource("/events");
		source.addEventListener("change", refresh);
		source.onopen = () => {
			word.textContent = word.dataset.liveWord;
			if (wasOpen)
				refresh();
			wasOpen = true;
		};
		source.onerror = () => {
			word.textContent = word.dataset.awayWord;
		};
	}

	// A page that nobody sees needs no connection.
	document.addEventListener("visibilitychange", () => {
		if (document.hidden && source !== null) {
			source.close();
			source = null;
		} else if (!document.hidden && source === null) {
			listen();
			refresh();
		}
	});
	// Ages grow although nothing happens.
	setInterval(() => {
		if (!document.hidden)
			refresh();
	}, 30000);
	document.addEventListener("keydown", (event) => {
		const at = document.activeElement;

		if (event.key === "/" && !event.ctrlKey && !event.metaKey &&
		    !/^(INPUT|SELECT|TEXTAREA)$/.test(at ? at.tagName : "")) {
			event.preventDefault();
			document.getElementById("text").focus();
		}
	});
	if (!document.hidden)
		listen();
})();
