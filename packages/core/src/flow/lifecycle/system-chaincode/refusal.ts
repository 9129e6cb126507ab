/** Why a system chaincode refuses a call. It becomes the message of a response, as from Fabric's. */
export class LifecycleRefusal extends Error {
  /** Status of the response. */
  readonly status: number

  constructor(message: string, status = 500) {
    super(message)
    this.status = status
  }
}
