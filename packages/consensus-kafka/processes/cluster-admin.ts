import {
  type API,
  Connection,
  createTopicsV7,
  deleteRecordsV2,
  deleteTopicsV6,
  describeQuorumV2,
  metadataV12,
} from '@platformatic/kafka'

/** What tests do to a cluster besides ordering, over a connection for each request. */
export class ClusterAdmin {
  private readonly addresses: () => readonly string[]

  constructor(addresses: () => readonly string[]) {
    this.addresses = addresses
  }

  async createTopic(
    name: string,
    partitions: number,
    replicas: number,
    configs: Readonly<Record<string, string>>,
  ): Promise<void> {
    const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions: partitions, replicationFactor: replicas, assignments: [], configs: list }
    await this.call(createTopicsV7.api, [topic], 10_000, false)
    for (;;) {
      const { topics } = await this.call(metadataV12.api, [name], false, false).catch(() => ({ topics: [] }))
      if (topics[0]?.partitions.length === partitions && topics[0].partitions.every(({ leaderId }) => leaderId >= 0)) return
    }
  }

  async deleteTopic(name: string): Promise<void> {
    await this.call(deleteTopicsV6.api, [{ name }], 10_000)
  }

  /** Retention by hand: what is before the offset is gone. */
  async deleteRecords(topic: string, offset: bigint): Promise<void> {
    await this.call(deleteRecordsV2.api, [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }], 10_000)
  }

  async leaderOf(topic: string): Promise<number> {
    const { topics } = await this.call(metadataV12.api, [topic], false, false)
    return topics[0]?.partitions[0]?.leaderId ?? -1
  }

  /** Replicas of partition 0 that are in sync. */
  async inSync(topic: string): Promise<number> {
    const { topics } = await this.call(metadataV12.api, [topic], false, false)
    return topics[0]?.partitions[0]?.isrNodes.length ?? 0
  }

  /** The node that leads the controllers. */
  async controller(): Promise<number> {
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
    const { topics: answer } = await this.call(describeQuorumV2.api, topics)
    return answer[0]?.partitions[0]?.leaderId ?? -1
  }

  /** Asks one broker after another. */
  private async call<Arguments extends unknown[], Answer>(api: API<Arguments, Answer>, ...args: Arguments): Promise<Answer> {
    let failure: unknown = new Error('no broker is up')
    for (const address of this.addresses()) {
      const [host = '', port] = address.split(':')
      const connection = new Connection('heddle-test-admin', { connectTimeout: 3000, requestTimeout: 10_000 })
      connection.on('error', () => {})
      try {
        await connection.connect(host, Number(port))
        return await api.async(connection, ...args)
      } catch (error) {
        failure = error
      } finally {
        connection.close().catch(() => {})
        connection.socket?.destroy()
      }
    }
    throw failure
  }
}
