// The only file that imports tsyringe. reflect-metadata must come first: tsyringe looks for it when it loads.
import 'reflect-metadata'

export { container as rootContainer, type DependencyContainer, inject, injectable, instanceCachingFactory } from 'tsyringe'
