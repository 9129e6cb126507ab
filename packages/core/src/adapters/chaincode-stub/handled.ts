const ignore = (): void => {}

/**
 * Marks a promise's rejection as handled. Chaincode that does not await a call must not end the process through an unhandled
 * rejection; who awaits it sees the error as ever.
 */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore)
  return promise
}
