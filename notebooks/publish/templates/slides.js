"use strict";
const slides = [...document.querySelectorAll(".slide")];
const counter = document.querySelector(".counter");
document.querySelectorAll(".fragment").forEach((fragment) => fragment.classList.add("hidden"));

const LEAST = 0.7;                                     // below, type is too small to be read: the slide is scrolled

function fit() {                                       // a long slide is shown smaller, with all its fragments
  document.body.classList.add("all-shown");
  slides.forEach((slide) => {
    const content = slide.querySelector(".fitted");
    content.style.zoom = 1;
    for (let size = 1; slide.offsetHeight > innerHeight && size > LEAST; content.style.zoom = size) {
      size = Math.max(size - 0.05, LEAST);
    }
  });
  document.body.classList.remove("all-shown");
}

function current() {                                   // the last slide whose top is above the middle of the window
  const above = slides.filter((slide) => slide.getBoundingClientRect().top < innerHeight / 2);
  return Math.max(0, above.length - 1);
}

function go(number) {
  slides[Math.min(Math.max(number, 0), slides.length - 1)].scrollIntoView();
}

function next() {                                      // the rest of a long slide, its next fragment, the next slide
  const slide = slides[current()];
  const fragment = slide.querySelector(".fragment.hidden");
  const below = slide.getBoundingClientRect().bottom - innerHeight;
  if (below > 1) return scrollBy(0, Math.min(0.8 * innerHeight, Math.ceil(below)));
  if (!fragment) return go(current() + 1);
  fragment.classList.remove("hidden");
  fragment.scrollIntoView({ block: "nearest" });
}

function count() {
  counter.textContent = `${current() + 1} / ${slides.length}`;
}

const KEYS = {
  ArrowRight: next, PageDown: next, " ": next, n: next,
  ArrowLeft: () => go(current() - 1), PageUp: () => go(current() - 1), p: () => go(current() - 1),
  Home: () => go(0), End: () => go(slides.length - 1),
  s: () => document.body.classList.toggle("with-notes"),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  if (event.target.closest("button, a") && event.key === " ") return;
  event.preventDefault();
  KEYS[event.key]();
});
document.querySelector(".back").addEventListener("click", () => go(current() - 1));
document.querySelector(".forward").addEventListener("click", next);
addEventListener("resize", fit);
addEventListener("load", fit);
addEventListener("scroll", count, { passive: true });
count();
