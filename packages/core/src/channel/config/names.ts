import { ChannelError } from '../errors.ts'

const MAX_LENGTH = 249

/**
 * Throws CHANNEL_BAD_NAME unless the name is lower-case letters, digits, dots and dashes, begins with a letter, and has at
 * most 249 characters.
 */
export function checkChannelName(name: string): void {
  if (name.length <= MAX_LENGTH && /^[a-z][a-z0-9.-]*$/.test(name)) return
  throw new ChannelError(
    'CHANNEL_BAD_NAME',
    `'${name.slice(0, 300)}' is no channel name: lower-case letters, digits, '.', '-', a letter first, at most 249`,
    { name },
  )
}

/** Whether a group, value or policy may have this name: letters, digits, dots and dashes, at most 249. */
export function isElementName(name: string): boolean {
  return name.length <= MAX_LENGTH && name !== '.' && name !== '..' && /^[a-zA-Z0-9.-]+$/.test(name)
}
