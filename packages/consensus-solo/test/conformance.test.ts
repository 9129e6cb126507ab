import { orderingConformance } from '@heddle/testkit'
import { describe, it } from 'vitest'
import solo from '../src/index.ts'

orderingConformance({ describe, it }, { name: 'solo', plugin: solo })
