// The page of an execution, where a script makes more of it: it follows the stream, searches, copies.
// All HTML is made by the server; this fetches it again and puts what changed in its place.
"use strict";
(() => {
    const page = document.getElementById("execution");
    if (!page) return;
    page.classList.add("t-scripted");

    const LEAST_PAUSE_MS = 250;
    const LOOK_MS = 10_000;
    const LOOK_WITHOUT_STREAM_MS = 2_000;
    const byId = id => document.getElementById(id);
    const status = () => byId("status");
    const live = byId("live");
    const titleEnd = document.title.slice(document.title.lastIndexOf(" · "));

    // What is shown

    const KEPT_ATTRIBUTES = new Set(["open", "hidden"]);

    /** Makes `old` what `fresh` is, node by node, so that focus, scroll, selection and open details stay. */
    function morph(old, fresh) {
        if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
            old.replaceWith(fresh);
            return;
        }
        if (old.nodeType !== Node.ELEMENT_NODE) {
            if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
            return;
        }
        if (old.hasAttribute("data-own") || old.name === "csrfmiddlewaretoken") return;
        for (const { name, value } of fresh.attributes)
            if (old.getAttribute(name) !== value) old.setAttribute(name, value);
        for (const { name } of [...old.attributes])
            if (!fresh.hasAttribute(name) && !KEPT_ATTRIBUTES.has(name)) old.removeAttribute(name);
        const olds = [...old.childNodes];
        const news = [...fresh.childNodes];
        news.forEach((node, at) => (olds[at] ? morph(olds[at], node) : old.append(node)));
        olds.slice(news.length).forEach(node => node.remove());
    }

    function show(html) {
        const fresh = new DOMParser().parseFromString(html, "text/html");
        for (const section of fresh.querySelectorAll("[data-live]")) {
            const old = byId(section.id);
            old.hidden = section.hidden;
            morph(old, section);
        }
        for (const step of fresh.querySelectorAll("[data-step]")) {
            const old = byId(step.id);
            if (old) morph(old, step);
            else byId("step-list").append(step);
        }
        name();
        search();
        tick();
    }

    /** The state, for the browser's tab and for those who hear the page. */
    function name() {
        document.title = status().dataset.title + titleEnd;
        const said = byId("announcement");
        if (said.textContent !== status().dataset.announcement) said.textContent = status().dataset.announcement;
    }

    // Running durations, by the server's clock

    let ahead = 0;

    function inWords(seconds) {
        if (seconds < 59.95) return `${Math.max(0, seconds).toFixed(1)} s`;
        const minutes = Math.floor(Math.round(seconds) / 60);
        const two = number => String(number).padStart(2, "0");
        if (minutes < 60) return `${minutes} min ${two(Math.round(seconds) % 60)} s`;
        return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
    }

    function tick() {
        const now = Date.now() + ahead;
        for (const shown of page.querySelectorAll("[data-since]"))
            shown.textContent = inWords((now - Date.parse(shown.dataset.since)) / 1000);
    }

    // Following

    const WORDS = {
        live: "Live",
        reconnecting: "Connection lost, reconnecting…",
        looking: "Looking every 2 s",
        stopped: "No longer live: reload the page",
        ended: "",
    };
    let stream = null;
    let timer = null;
    let isFetching = false;
    let pause = LEAST_PAUSE_MS;
    let looking = null;

    function say(state, words) {
        live.dataset.state = state;
        live.textContent = words || WORDS[state];
    }

    function refreshSoon() {
        if (!timer) timer = setTimeout(refresh, pause);
    }

    async function refresh() {
        timer = null;
        if (isFetching) return refreshSoon();
        isFetching = true;
        const begun = performance.now();
        try {
            await fetchFrom(status().dataset.position);
            if (hasEnded()) await fetchFrom(0); // steps that never ran say so now
        } catch {
            if (live.dataset.state !== "stopped") say("reconnecting");
        } finally {
            isFetching = false;
            // A page with hundreds of steps takes the server longer, so it is asked less often.
            pause = Math.max(LEAST_PAUSE_MS, 4 * (performance.now() - begun));
        }
        if (hasEnded()) stop("ended");
    }

    async function fetchFrom(since) {
        const answer = await fetch(`${page.dataset.page}?fragment=1&since=${since}`, { credentials: "same-origin" });
        if (answer.redirected || (answer.status >= 400 && answer.status < 500)) {
            stop("stopped"); // signed out, or not allowed any more
            throw new Error(answer.statusText);
        }
        if (!answer.ok) throw new Error(answer.statusText);
        show(await answer.text());
        ahead = Date.parse(status().dataset.now) - Date.now();
        if (live.dataset.state === "reconnecting" && (!stream || stream.readyState === EventSource.OPEN))
            say(stream ? "live" : "looking");
    }

    const hasEnded = () => status().hasAttribute("data-ended");

    function look(every) {
        clearInterval(looking);
        looking = setInterval(refreshSoon, every);
    }

    function stop(state, words) {
        if (stream) stream.close();
        stream = null;
        clearInterval(looking);
        say(state, words);
    }

    function follow() {
        if (!page.dataset.stream) return lookInstead();
        stream = new EventSource(page.dataset.stream);
        stream.addEventListener("connected", () => say("live"));
        for (const kind of ["step", "progress", "complete"]) stream.addEventListener(kind, refreshSoon);
        stream.addEventListener("complete", () => stream && stream.close());
        stream.addEventListener("error", event => {
            if (event.data || !stream || stream.readyState === EventSource.CLOSED) lookInstead();
            else say("reconnecting");
        });
        look(LOOK_MS); // what still runs grows between events too
    }

    /** Where there is no stream to be had, the page asks by itself. */
    function lookInstead() {
        if (hasEnded() || live.dataset.state === "stopped") return;
        if (stream) stream.close();
        stream = null;
        say("looking");
        look(LOOK_WITHOUT_STREAM_MS);
        refreshSoon();
    }

    // Searching

    const field = byId("search-field");
    const canPaint = "highlights" in CSS;

    /** Leaves the steps in which the text is, opened, and paints it wherever it is on the page. */
    function search() {
        const sought = field.value.trim().toLowerCase();
        const steps = [...page.querySelectorAll("[data-step]")];
        let found = 0;
        for (const step of steps) {
            const isHit = step.textContent.toLowerCase().includes(sought);
            found += isHit;
            step.hidden = !isHit;
            openFor(step.querySelector(":scope > details"), Boolean(sought) && isHit);
        }
        byId("search-hits").textContent = sought ? `${found} of ${steps.length}` : "";
        if (canPaint) paint(sought);
    }

    function openFor(details, isSought) {
        if (!details) return;
        if (isSought && !details.open) {
            const body = details.querySelector(".t-step-body");
            if (!body.textContent.toLowerCase().includes(field.value.trim().toLowerCase())) return;
            details.open = true;
            details.dataset.opened = "";
        } else if (!isSought && "opened" in details.dataset) {
            details.open = false;
            delete details.dataset.opened;
        }
    }

    function paint(sought) {
        CSS.highlights.delete("t-found");
        if (!sought) return;
        const ranges = [];
        for (const part of page.querySelectorAll("[data-step], .t-json")) {
            if (part.closest("[data-step]") && !part.matches("[data-step]")) continue;
            const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
            while (texts.nextNode()) ranges.push(...rangesIn(texts.currentNode, sought));
        }
        CSS.highlights.set("t-found", new Highlight(...ranges));
    }

    function rangesIn(node, sought) {
        const text = node.nodeValue.toLowerCase();
        const ranges = [];
        if (text.length !== node.nodeValue.length) return ranges;
        for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length)) {
            const range = new Range();
            range.setStart(node, at);
            range.setEnd(node, at + sought.length);
            ranges.push(range);
        }
        return ranges;
    }

    // Opening and copying

    function openTarget() {
        const step = location.hash.startsWith("#step-") && byId(decodeURIComponent(location.hash.slice(1)));
        const details = step && step.querySelector(":scope > details");
        if (details) details.open = true;
    }

    function toggleAll(button) {
        const all = [...page.querySelectorAll("[data-step] > details")];
        const open = all.some(details => !details.open);
        for (const details of all) details.open = open;
        button.textContent = open ? "Close all" : "Open all";
    }

    async function copy(button) {
        const text = button.closest(".t-part, .t-card").querySelector(".t-json").textContent;
        try {
            await navigator.clipboard.writeText(text);
            button.textContent = "Copied";
        } catch {
            button.textContent = "Can't copy";
        }
        setTimeout(() => (button.textContent = "Copy"), 2_000);
    }

    /** Of the bar under the pointer or in focus, where the timeline is too narrow for its own words. */
    function sayBar(event) {
        const bar = event.target.closest && event.target.closest(".t-hit");
        const said = byId("timeline-said");
        if (bar && said) said.textContent = bar.getAttribute("aria-label");
    }

    page.addEventListener("pointerover", sayBar);
    page.addEventListener("focusin", sayBar);
    page.addEventListener("click", event => {
        const button = event.target.closest("button");
        if (button && button.id === "toggle-all") toggleAll(button);
        else if (button && button.hasAttribute("data-copy")) copy(button);
    });
    field.addEventListener("input", search);
    window.addEventListener("hashchange", openTarget);

    byId("search").hidden = false;
    openTarget();
    if (hasEnded()) return;
    ahead = Date.parse(status().dataset.now) - Date.now();
    setInterval(tick, 100);
    name();
    follow();
})();
