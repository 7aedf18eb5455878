// The only way out of this page: the sandbox's own control endpoint and its stream of changes.

/// Carries out one action of the control vocabulary (sandbox/control/control.hpp). Throws an Error that says what is wrong.
export async function control(name, fields = {}) {
  let answer;
  try {
    answer = await fetch("_control", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ do: name, ...fields }),
    });
  } catch {
    throw new Error("The sandbox does not answer. Is it still running?");
  }
  const result = await answer.json().catch(() => null);
  if (!result?.ok) throw new Error(result?.error ?? `The sandbox answered ${answer.status}.`);
  return result;
}

/// Calls `handlers[name](data)` for the events of the stream (sandbox/page/page.hpp): first with everything that is there,
/// then with what changes. `connected(yes)` when the stream is lost and found again; then everything comes anew.
export function listen(handlers, connected) {
  window.changes.follow((event) => {
    if (event.type === "open" || event.type === "error") connected(event.type === "open");
    else handlers[event.type]?.(JSON.parse(event.data));
  });
}
