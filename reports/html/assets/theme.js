// Light and dark: the reader's system decides until the button is pressed. Charts
// name the colours of the page's style, so nothing has to be drawn again.
const root = document.documentElement;
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);

function themeButton() {
  const button = document.querySelector("[data-theme-toggle]");
  const word = () => { button.textContent = dark() ? "Light" : "Dark"; };
  word();
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    word();
  });
  systemDark.addEventListener("change", word);
}

// say tells everybody, screen readers too, what a button did.
function say(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  status.classList.add("shown");
  clearTimeout(say.timer);
  say.timer = setTimeout(() => status.classList.remove("shown"), 4000);
}
