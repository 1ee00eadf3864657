for (const film of document.querySelectorAll(".film")) {
  const frames = JSON.parse(film.querySelector("script").textContent);
  const picture = film.querySelector("img"), counter = film.querySelector("span");
  const [back, pause, step] = film.querySelectorAll("button");
  let at = 0, timer = null;

  const show = (number) => {
    at = (number + frames.length) % frames.length;
    picture.src = frames[at];
    counter.textContent = film.dataset.counter.replace("{0}", at + 1).replace("{1}", frames.length);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    pause.textContent = film.dataset.play;
  };
  const play = () => {
    timer = setInterval(() => show(at + 1), film.dataset.milliseconds);
    pause.textContent = film.dataset.pause;
  };
  back.addEventListener("click", () => { stop(); show(at - 1); });
  step.addEventListener("click", () => { stop(); show(at + 1); });
  pause.addEventListener("click", () => (timer === null ? play() : stop()));
  film.querySelector(".turning").hidden = false;
  show(0);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) stop();
  else play();
}
