/** Reads the page's data. */
explorer.data = JSON.parse(document.getElementById("data").textContent);
