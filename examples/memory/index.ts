// Takes memory until the host says no (502): nothing is taken from its neighbours, and the next request finds a clean instance.
export const handler = (): { megabytes: number } => {
  const held: Uint8Array[] = []
  for (;;) held.push(new Uint8Array(1024 * 1024).fill(held.length))
}
