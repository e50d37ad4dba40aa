// The editor of a definition: line numbers that keep up, faults as one types, and links that lead to a line.
"use strict";

const PAUSE_MS = 400;
const LONGEST_LINE = 400;

function selectLine(area, line) {
    const lines = area.value.split("\n");
    const index = Math.min(Math.max(line, 1), lines.length) - 1;
    const start = lines.slice(0, index).reduce((sum, text) => sum + text.length + 1, 0);
    area.focus({preventScroll: true});
    area.setSelectionRange(start, start + lines[index].length);
    const box = area.closest(".t-editor-box");
    const height = parseFloat(getComputedStyle(area).lineHeight);
    if (box) box.scrollTop = Math.max(0, height * index - box.clientHeight / 3);
    else area.scrollTop = Math.max(0, height * (index - 1));
    (box || area).scrollIntoView({block: "nearest"});
}

document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]");
    const area = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!area) return;
    event.preventDefault();
    selectLine(area, Number(link.dataset.line));
});

function faultItem(fault) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = "#definition";
    link.dataset.line = fault.line;
    link.textContent = `Line ${fault.line}`;
    item.append(link, " ");
    if (fault.path) {
        const path = document.createElement("code");
        path.textContent = fault.path;
        item.append(path, " ");
    }
    item.append(fault.message);
    return item;
}

class Editor {
    constructor(root) {
        this.area = root.querySelector("textarea");
        this.gutter = root.querySelector("[data-gutter]");
        this.marks = root.querySelector("[data-marks]");
        this.form = this.area.form;
        this.check = root.dataset.check;
        this.measure();
        if (this.area.readOnly || !this.check) return;
        this.faults = this.form.querySelector("[data-faults]");
        this.state = this.form.querySelector("[data-state]");
        this.area.addEventListener("input", () => this.typed());
        this.area.addEventListener("keydown", (event) => this.keyed(event));
        this.form.querySelector("[name=format]").addEventListener("click", (event) => this.format(event));
    }

    measure() {
        const lines = this.area.value.split("\n");
        if (lines.length !== this.count) {
            this.count = lines.length;
            this.gutter.textContent = lines.map((_, index) => index + 1).join("\n");
            this.area.rows = lines.length;
        }
        const longest = lines.reduce((most, line) => Math.max(most, line.length), 0);
        this.area.cols = Math.min(longest + 2, LONGEST_LINE);
    }

    typed() {
        this.measure();
        this.state.textContent = "Not saved yet";
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.ask({}), PAUSE_MS);
    }

    keyed(event) {
        // Escape, then Tab, leaves the editor: the key is not taken from whoever has no other.
        if (event.key === "Escape") this.leaving = true;
        else if (event.key === "Tab" && !event.shiftKey && !this.leaving) {
            event.preventDefault();
            const {selectionStart: start, selectionEnd: end} = this.area;
            this.area.setRangeText("  ", start, end, "end");
            this.typed();
        } else if (event.key !== "Tab") this.leaving = false;
    }

    format(event) {
        event.preventDefault();
        this.ask({format: "1"});
    }

    async ask(more) {
        clearTimeout(this.timer);
        const asked = this.area.value;
        const token = this.form.querySelector("[name=csrfmiddlewaretoken]").value;
        const body = new URLSearchParams({definition: asked, csrfmiddlewaretoken: token, ...more});
        try {
            const answer = await fetch(this.check, {method: "POST", body, credentials: "same-origin", redirect: "error"});
            if (!answer.ok) throw new Error(answer.status);
            const {faults, text} = await answer.json();
            if (asked === this.area.value) this.show(faults, text);
        } catch {
            this.state.textContent = "It couldn't be checked now; saving checks it too.";
        }
    }

    show(faults, text) {
        if (text !== undefined && text !== this.area.value) {
            this.area.value = text;
            this.measure();
        }
        const says = document.createElement("p");
        says.className = "t-faults-says";
        says.textContent = faults.length === 1 ? "One fault." : `${faults.length} faults.`;
        const list = document.createElement("ul");
        list.append(...faults.map(faultItem));
        this.faults.replaceChildren(...(faults.length ? [says, list] : []));
        this.marks.replaceChildren(...[...new Set(faults.map((fault) => fault.line))].map((line) => {
            const mark = document.createElement("span");
            mark.className = "t-mark-line";
            mark.style.setProperty("--line", line);
            return mark;
        }));
        this.area.setAttribute("aria-invalid", String(faults.length > 0));
        this.state.textContent = faults.length ? "Not saved yet" : "No fault; not saved yet";
    }
}

document.querySelectorAll("[data-editor]").forEach((root) => new Editor(root));
document.querySelectorAll("form[data-once]").forEach((form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
}));
// Whoever comes back to a form that was sent wants to send another one: with the key of the first it would be the same.
window.addEventListener("pageshow", (event) => {
    if (event.persisted && document.querySelector("form[data-sent]")) location.reload();
});
