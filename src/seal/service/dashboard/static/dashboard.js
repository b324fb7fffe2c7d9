// Brings what is marked as live up to date, every few seconds while the page is seen. Without it a page is as it
// was when it was loaded; nothing else depends on it.
(() => {
  const EVERY_MS = 5000;
  const live = () => document.querySelectorAll("[data-live][id]");
  const update = async () => {
    if (document.hidden) return true;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) return false;
    if (!answer.ok) return true;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of live()) {
      const now = fresh.getElementById(old.id);
      if (!now || now.innerHTML === old.innerHTML || old.contains(document.activeElement)) continue;
      old.replaceChildren(...now.childNodes);
    }
    return true;
  };
  const again = async () => {
    let goesOn = true;
    try {
      goesOn = await update();
    } catch {
      // the server is away for a while
    }
    if (goesOn) setTimeout(again, EVERY_MS);
  };
  if (live().length) setTimeout(again, EVERY_MS);
})();
