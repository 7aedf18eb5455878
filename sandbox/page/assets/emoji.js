// The few emoji names that people and apps write most; others stay as they are typed.
const NAMES = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", bell: "🔔", no_bell: "🔕",
  pager: "📟", calendar: "📅", wave: "👋", tada: "🎉", eyes: "👀", rocket: "🚀", fire: "🔥", bulb: "💡",
  large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", white_circle: "⚪",
  hourglass_flowing_sand: "⏳", double_vertical_bar: "⏸️", arrow_right: "➡️", slightly_smiling_face: "🙂", thumbsup: "👍",
  "+1": "👍", "-1": "👎", thumbsdown: "👎", information_source: "ℹ️", lock: "🔒", key: "🔑", gear: "⚙️", bust_in_silhouette: "👤",
};

export function emojiText(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => NAMES[name] ?? whole);
}
