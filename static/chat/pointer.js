/** What a finger does otherwise than a mouse: a tap here leaves the focus, and with it a phone's keyboard, as it is. */

export const isTouch = () => window.matchMedia("(pointer: coarse)").matches;

/** Does the focus follow this click? Keys make a click without detail, on whatever screen. @param {MouseEvent} event */
export const leads = (event) => event.detail === 0 || !isTouch();
