/* A button with data-t-copy copies the text of the element with that id, and says so. */
"use strict";
for (const button of document.querySelectorAll("[data-t-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
        try {
            await navigator.clipboard.writeText(document.getElementById(button.dataset.tCopy).textContent);
            button.textContent = "Copied";
        } catch {
            button.textContent = "Select it and copy it";
        }
    });
}
