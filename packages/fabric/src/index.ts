export { ServiceError } from './errors.ts'
export type { ServerLimits } from './grpc/limits.ts'
export { GrpcServer, type GrpcServerOptions, type ServerTls } from './grpc/server.ts'
