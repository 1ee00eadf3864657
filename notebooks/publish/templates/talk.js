"use strict";
const slides = [...document.querySelectorAll(".slide")];
const stage = document.querySelector(".stage");
const desk = document.querySelector(".desk");
const help = document.querySelector(".help");
const switches = document.querySelectorAll(".controls a");              // to the same slide in other languages
const atDesk = location.hash === "#presenter";         // this window is the presenter's; the other one is its opener
const minutes = slides.map((slide) => Number(slide.dataset.minutes));
const state = { slide: 0, step: 0, started: null };    // the screen's window has the truth, and sends it
let presenter = null;

function steps(slide) {
  return Math.max(0, ...[...slides[slide].querySelectorAll(".step")].map((step) => Number(step.dataset.step)));
}

function show() {
  slides.forEach((slide, number) => slide.classList.toggle("current", number === state.slide));
  slides[state.slide].querySelectorAll(".step, .before")
    .forEach((step) => step.classList.toggle("on", Number(step.dataset.step) <= state.step));
  if (atDesk) return speak();
  if (state.slide > 0 && state.started === null) state.started = Date.now();
  history.replaceState(null, "", `#${state.slide + 1}`);
  switches.forEach((each) => { each.hash = location.hash; });
  tell();
}

function go(slide, step) {
  state.slide = Math.min(Math.max(slide, 0), slides.length - 1);
  state.step = Math.min(step, steps(state.slide));
  show();
}

const COMMANDS = {
  next() {
    if (state.step < steps(state.slide)) go(state.slide, state.step + 1);
    else if (state.slide < slides.length - 1) go(state.slide + 1, 0);
  },
  back() {
    if (state.step > 0) go(state.slide, state.step - 1);
    else if (state.slide > 0) go(state.slide - 1, Infinity);
  },
  first() { go(0, 0); },
  last() { go(slides.length - 1, 0); },
  restart() { state.started = Date.now(); show(); },
};
const HERE = {                                         // what concerns the window in which the key is pressed
  fullscreen() { document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(); },
  print() { window.print(); },
  help() { help.open ? help.close() : help.showModal(); },
  presenter() {
    if (atDesk) return;
    presenter = window.open(`${location.href.split("#")[0]}#presenter`, "presenter", "popup,width=1280,height=760");
    if (!presenter) alert(TEXT.blocked);
  },
};
const KEYS = {
  ArrowRight: "next", ArrowDown: "next", PageDown: "next", " ": "next",
  ArrowLeft: "back", ArrowUp: "back", PageUp: "back", Home: "first", End: "last",
  s: "presenter", f: "fullscreen", p: "print", "?": "help",
};

function run(command) {
  if (HERE[command]) HERE[command]();
  else if (atDesk && opener && !opener.closed) opener.postMessage({ talk: document.title, command }, "*");
  else COMMANDS[command]();
}

function tell() {
  if (presenter && !presenter.closed) presenter.postMessage({ talk: document.title, state }, "*");
}

addEventListener("message", ({ data, source, origin }) => {
  if (origin !== location.origin && origin !== "null" || !data || data.talk !== document.title) return;
  if (atDesk && source === opener && data.state) {
    Object.assign(state, data.state);
    show();
  } else if (!atDesk) {                                // the presenter's window asks, or has a key pressed
    presenter = source;
    if (COMMANDS[data.command]) COMMANDS[data.command]();
    else tell();
  }
});
addEventListener("keydown", (event) => {
  const command = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (event.ctrlKey || event.metaKey || event.altKey || !command) return;
  if (help.open && command !== "help") return;
  if (event.key === " " && event.target.closest("button")) return;
  event.preventDefault();
  run(event.key === " " && event.shiftKey ? "back" : command);
});
document.querySelectorAll("[data-command]").forEach((button) =>
  button.addEventListener("click", () => { run(button.dataset.command); button.blur(); }));

let touched = null;
addEventListener("touchstart", ({ touches }) => { touched = touches.length === 1 ? touches[0].clientX : null; });
addEventListener("touchend", ({ changedTouches }) => {
  const way = touched === null ? 0 : changedTouches[0].clientX - touched;
  if (Math.abs(way) > 50) run(way < 0 ? "next" : "back");
});

function fit() {                                       // a slide is 1280 x 720, whatever the window
  const [left, top, width, height] = atDesk ? [14, 158, innerWidth / 2 - 28, innerHeight - 250]
    : [0, 0, innerWidth, innerHeight];
  const scale = Math.min(width / 1280, height / 720);
  const [x, y] = atDesk ? [left, top] : [(width - 1280 * scale) / 2, (height - 720 * scale) / 2];
  stage.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}

function time(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function plan() {                                      // how the time fits the minutes of the slides
  if (state.started === null) return [TEXT["not started"], false];
  const begin = 60000 * minutes.slice(0, state.slide).reduce((sum, each) => sum + each, 0);
  const end = begin + 60000 * minutes[state.slide], elapsed = Date.now() - state.started;
  if (elapsed < begin) return [TEXT.ahead.replace("{}", time(begin - elapsed)), false];
  if (elapsed > end) return [TEXT.behind.replace("{}", time(elapsed - end)), true];
  return [TEXT["on time"], false];
}

function speak() {                                     // fill the presenter's window
  const slide = slides[state.slide], left = steps(state.slide) - state.step;
  const spoken = desk.querySelector(".spoken"), notes = slide.querySelector(".notes").innerHTML;
  if (spoken.innerHTML !== notes) { spoken.innerHTML = notes; spoken.scrollTop = 0; }
  desk.querySelector(".clock-now").textContent = new Date().toLocaleTimeString();
  desk.querySelector(".elapsed-now").textContent = state.started === null ? "0:00" : time(Date.now() - state.started);
  desk.querySelector(".slide-now").textContent = TEXT.planned.replace("{0}", state.slide + 1)
    .replace("{1}", slides.length).replace("{2}", TEXT[minutes[state.slide] === 1 ? "minute" : "minutes"]
      .replace("{}", minutes[state.slide]));
  const [text, late] = plan();
  desk.querySelector(".plan-now").textContent = text;
  desk.classList.toggle("late", late);
  const coming = slides[state.slide + 1]?.querySelector("h2").textContent ?? TEXT.end;
  desk.querySelector(".coming-title").textContent = left === 1 ? TEXT["one more step"].replace("{}", coming)
    : left ? TEXT["more steps"].replace("{0}", left).replace("{1}", coming) : coming;
}

function fromAddress() { return Number(location.hash.slice(1)) - 1 || 0; }

document.body.classList.add("running");
if (atDesk) {
  desk.hidden = false;
  document.body.classList.add("at-desk");
  const ask = () => { if (opener && !opener.closed) opener.postMessage({ talk: document.title }, "*"); };
  setInterval(() => { ask(); speak(); }, 1000);        // so that either window may be loaded again
  ask();
} else {
  addEventListener("hashchange", () => { if (fromAddress() !== state.slide) go(fromAddress(), 0); });
}
addEventListener("resize", fit);
fit();
go(atDesk ? 0 : fromAddress(), 0);
