import { type FSWatcher, watch } from 'node:fs'

/** Milliseconds without a change after which it is acted upon: editors write a file in several steps. */
const SETTLE = 150

/**
 * Calls back after files below a folder changed. What a build or a package manager writes is passed over.
 *
 * @returns a function that ends it
 */
export function watchSources(folder: string, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const watcher: FSWatcher = watch(folder, { recursive: true }, (_event, file) => {
    if (file === null || IGNORED.test(file)) return
    clearTimeout(timer)
    timer = setTimeout(changed, SETTLE)
  })
  return () => {
    clearTimeout(timer)
    watcher.close()
  }
}

const IGNORED = /(^|[/\\])(node_modules|dist|coverage|\.[^/\\]*)([/\\]|$)|~$/
