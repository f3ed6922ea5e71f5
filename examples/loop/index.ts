// Never returns: the host ends it at its timeout (504), and its neighbours go on being served meanwhile.
export const handler = (): never => {
  for (;;) {
    // Nothing to do, for ever.
  }
}
