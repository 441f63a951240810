/** Lets the event loop handle what is waiting: timers, sockets, aborts. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
