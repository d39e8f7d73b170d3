// The Tasks list: choosing many and keys, and word of tasks that came meanwhile. Rows follow the stream in main.js.
import { rowsOf } from "../frame/rows.js";

const LOOK_AFTER_MS = 600;
let lookLater = 0;

rowsOf("tasks", { box: "[name=task]", row: ".task-card" });

// New rows wait behind a word of how many they are: nothing moves under the pointer.
function look() {
  clearTimeout(lookLater);
  lookLater = setTimeout(() => {
    const news = document.getElementById("tasks-news");
    if (news) window.htmx.trigger(news, "look");
  }, LOOK_AFTER_MS);
}
document.addEventListener("playground:feed", ({ detail }) => {
  if (detail.kind === "task" && !document.getElementById(`task-${detail.task}`)) look();
});
document.addEventListener("playground:ready", look);
