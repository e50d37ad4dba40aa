// Puts the charts into the page once it stands: they take longer than all the rest of it.
"use strict";

async function fill(section) {
    const placeholder = section.querySelector("[data-placeholder]");
    try {
        const answer = await fetch(section.dataset.charts, {credentials: "same-origin", redirect: "error"});
        if (!answer.ok) return;
        placeholder.outerHTML = await answer.text();
    } catch {
        // The link to the charts stays in their place.
    }
}

document.querySelectorAll("[data-charts]").forEach(fill);
