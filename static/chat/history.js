/**
 * What the server remembers of this visitor's conversation.
 *
 * @typedef {{chat: number, id: string, question: string, answer: string|null,
 *            asked_at: string, answered_at: string|null, offers?: string[],
 *            feedback?: import("./opinions.js").Opinion|null}} Exchange
 */

const TIMEOUT = 10000;

/**
 * @param {string} url
 * @returns {Promise<{messages: Exchange[], more: boolean}>} oldest first
 * @throws {Error} when the server cannot be reached or does not give a history
 */
export async function fetchHistory(url) {
  const response = await fetch(url, {
    headers: { Accept: "application/json" },
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (!response.ok) {
    throw new Error(`The history was refused with ${response.status}.`);
  }
  const { messages, more = false } = await response.json();
  return { messages, more };
}
