import { DiskError } from './errors.ts'

/** Checks a path of the Disk port and gives its one spelling: no empty parts, no `.` and no `..`. The data folder itself is ''. */
export function diskPath(path: string): string {
  if (path.startsWith('/') || path.includes('\\') || path.includes('\0') || /^[A-Za-z]:/.test(path)) throw badPath(path)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw badPath(path)
  return parts.join('/')
}

export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '' : path.slice(0, slash)
}

function badPath(path: string): DiskError {
  return new DiskError('DISK_BAD_PATH', `not a path inside the data folder: ${JSON.stringify(path)}`, { path })
}
