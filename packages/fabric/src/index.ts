// What `@heddle/fabric` publishes: Fabric's own services, for the nodes of a network.

export { ServiceError } from './errors.ts'
export type { ServerLimits } from './grpc/limits.ts'
export type { ServerTls } from './grpc/server.ts'
export { type Endpoint, FabricServices, type ServeOptions, serveFabric } from './serve.ts'
export { TlsFolder } from './tls/tls-folder.ts'
