// Scroll down step by step, so that what loads only when it is seen is loaded; then back to the top.
// It runs in a world of its own: the page's scripts neither see nor change it. It clicks on nothing.
(async (limits) => {
  const steps = [], start = performance.now();
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const root = document.scrollingElement || document.documentElement;
  const tall = () => Math.max(root.scrollHeight, document.body ? document.body.scrollHeight : 0);
  let why = "bottom";
  for (;;) {
    const before = root.scrollTop;
    window.scrollBy({ top: Math.max(200, window.innerHeight * 0.8), behavior: "instant" });
    await pause(limits.pause);
    steps.push({
      at: Math.round(performance.now() - start),
      y: Math.round(root.scrollTop),
      height: tall(),
    });
    if (root.scrollTop <= before) {
      // At the bottom: once more, for what was asked for there.
      await pause(limits.pause * 3);
      if (tall() <= steps[steps.length - 1].height) break;
    }
    if (steps.length >= limits.steps) { why = "steps"; break; }
    if (performance.now() - start > limits.time) { why = "time"; break; }
  }
  window.scrollTo({ top: 0, behavior: "instant" });
  await pause(limits.pause);
  return { steps, why };
})
