/** Control characters of C0 (but not tab) and C1, and the line ends of Unicode. */
const UNPRINTABLE = new RegExp(String.raw`[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]`, 'g')

/** What a guest wrote, so that it can neither start a line of its own nor reach the terminal's control codes. */
export const printable = (text: string): string =>
  text.replaceAll(UNPRINTABLE, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)
