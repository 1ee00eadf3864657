"use strict";
const answers = [...document.querySelectorAll("main details")];
let printing = [];
addEventListener("beforeprint", () => {                // paper cannot be unfolded
  printing = answers.filter((answer) => !answer.open);
  printing.forEach((answer) => { answer.open = true; });
});
addEventListener("afterprint", () => printing.forEach((answer) => { answer.open = false; }));
document.querySelector(".unfold")?.addEventListener("click", () => answers.forEach((answer) => { answer.open = true; }));
