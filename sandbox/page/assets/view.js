// What a person does in a view of the app's (home tab or modal), told to the sandbox in the order in which it was done.
import { toast } from "./dom.js";
import { control } from "./api.js";
import { names, state } from "./store.js";

/// Typed texts that wait to be told: element -> a function that tells now.
const pending = new Map();
let line = Promise.resolve();

/// One after the other: what was typed arrives before the click that follows.
function inTurn(work) {
  line = line.then(work, work);
  return line;
}

/// Tells everything that is still waiting; resolves when the sandbox knows it.
export function settle() {
  for (const [node, tell] of [...pending]) {
    pending.delete(node);
    tell();
  }
  return line;
}

/// `shown` is {view, errors, trouble} as the sandbox gives it.
export function surfaceOf(shown) {
  const view = shown.view;
  const person = state.me;
  const where = (json, block) => ({ person, view: view.id, action_id: json.action_id, block_id: block.block_id });
  return {
    names,
    state: view.state?.values ?? {},
    errors: shown.errors ?? {},
    pending,
    act: async (json, block, value) => {
      settle();
      await inTurn(async () => {
        try {
          const done = await control("act", { ...where(json, block), confirmed: true, ...value });
          if (done.sent && !done.acked) toast(`The app did not answer in time (${done.shown || "no acknowledgement"}).`, "error");
        } catch (error) {
          toast(error.message, "error");
        }
      });
    },
    fill: (json, block, value) => inTurn(async () => {
      try {
        await control("fill", { ...where(json, block), ...value });
      } catch (error) {
        toast(error.message, "error");
      }
    }),
    suggest: async (json, block, query) => {
      const answer = await control("suggest", { ...where(json, block), value: query });
      if (answer.sent === false) return { trouble: `Type at least ${json.min_query_length ?? 3} characters` };
      if (!answer.acked) return { trouble: "The app did not answer." };
      const option = (one) => ({ value: one.value, text: one.text.text, description: one.description?.text });
      if (answer.option_groups) {
        return answer.option_groups.map((group) => ({ label: group.label.text, options: group.options.map(option) }));
      }
      return [{ options: (answer.options ?? []).map(option) }];
    },
  };
}
