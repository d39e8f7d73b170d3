// The page of a one-time sign-in link: goes on by itself, once, unless it would change accounts.
const form = document.getElementById("enter");

if (form && "atOnce" in form.dataset) {
  // A person who presses Back comes to a link that is used up: the server says so.
  form.requestSubmit();
}
