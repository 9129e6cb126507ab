import { errorFamily } from '../../model/errors.ts'

/** What a disk reports, whichever adapter it is. */
export class DiskError extends errorFamily('DiskError', {
  DISK_NOT_FOUND: { duty: 'fix-input', meaning: 'The file does not exist.' },
  DISK_BAD_PATH: { duty: 'fix-input', meaning: 'The path is absolute or leaves the data folder.' },
  DISK_SHORT_READ: { duty: 'tell-operator', meaning: 'The file ends before the bytes that were asked for.' },
  DISK_FULL: { duty: 'tell-operator', meaning: 'No space is left. Nothing was written; make room and start the node again.' },
  DISK_DENIED: {
    duty: 'tell-operator',
    meaning: 'The operating system refuses access to the data folder. Check owner and permissions.',
  },
  DISK_FAILED: {
    duty: 'tell-operator',
    meaning:
      'The disk failed to read, write or sync. What was not synced may be lost: the file takes no more writes until a restart.',
  },
  DISK_LOCKED: { duty: 'tell-operator', meaning: 'Another process uses this data folder. Stop it, or use another folder.' },
  DISK_CLOSED: { duty: 'tell-operator', meaning: 'A file was used after it was closed.' },
}) {}

/** The typed form of an error of the operating system. */
export function diskError(error: unknown, action: string, path: string): DiskError {
  if (error instanceof DiskError) return error as DiskError
  const system = (error as NodeJS.ErrnoException).code
  const code =
    system === 'ENOENT'
      ? 'DISK_NOT_FOUND'
      : system === 'ENOSPC' || system === 'EDQUOT' || system === 'EFBIG'
        ? 'DISK_FULL'
        : system === 'EACCES' || system === 'EPERM' || system === 'EROFS'
          ? 'DISK_DENIED'
          : 'DISK_FAILED'
  return new DiskError(code, `${action} ${path}: ${(error as Error).message}`, { path, action, system }, { cause: error })
}
