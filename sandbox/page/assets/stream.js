// Opens the stream of changes (sandbox/page/page.hpp) before the rest of the page is loaded; api.js takes over what came.
{
  const EVENTS = ["hello", "time", "users", "groups", "channels", "messages", "ephemerals", "surface", "people", "schedules", "handoffs",
    "requests", "deliveries", "transport", "faults", "daemon", "ready"];
  const waiting = [];
  let tell = (event) => waiting.push(event);
  const source = new EventSource("_events");
  for (const name of [...EVENTS, "open", "error"]) source.addEventListener(name, (event) => tell(event));
  window.changes = {
    /// Gives `handler` what has come so far, and from now on everything at once.
    follow(handler) {
      tell = handler;
      waiting.splice(0).forEach(handler);
    },
  };
}
