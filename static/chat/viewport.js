/** Gives the page the height that a phone's keyboard leaves free, where the browser only pushes the page away. */
export function followKeyboard() {
  const viewport = window.visualViewport;
  viewport?.addEventListener("resize", () => {
    const covered = window.innerHeight - viewport.height;
    // Pinch zoom shrinks the viewport too, and a few pixels are a browser's bar, not a keyboard.
    const keyboard = viewport.scale === 1 && covered > 60;
    if (keyboard) {
      document.documentElement.style.setProperty("--viewport-height", `${viewport.height}px`);
      window.scrollTo(0, 0);
    } else {
      document.documentElement.style.removeProperty("--viewport-height");
    }
  });
}
