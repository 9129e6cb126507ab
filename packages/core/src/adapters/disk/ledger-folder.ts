/** Folder of a channel's part of a node's data: `blocks`, `blocks-index`, `state` and `history` are in it. */
export function ledgerFolder(channel: string): string {
  return `ledgers/${channel}`
}
