import { errorFamily } from '@heddle/core/plugin'

/** Errors of ordering on Kafka that show before anything is ordered: what an operator has to set right. */
export class KafkaError extends errorFamily('KafkaError', {
  KAFKA_UNREACHABLE: {
    duty: 'fix-config',
    meaning: 'None of the brokers answered in the time for the start; check addresses, network and TLS.',
  },
  KAFKA_ACCESS_DENIED: {
    duty: 'fix-config',
    meaning: 'The brokers refuse these credentials, or the principal may not do what is named; check SASL, TLS and ACLs.',
  },
  KAFKA_BROKER_TOO_OLD: { duty: 'fix-config', meaning: 'A broker lacks a request that is needed; use Kafka 3.1 or later.' },
  KAFKA_TOPIC_MISSING: {
    duty: 'fix-config',
    meaning:
      'The topic of the channel does not exist; create it with the settings that the message names, or allow createTopics.',
  },
  KAFKA_TOPIC_UNSUITED: {
    duty: 'fix-config',
    meaning: 'Settings of the topic could lose or cut off records; the message names each, its value, and the value needed.',
  },
  KAFKA_OPTIONS_WRONG: {
    duty: 'fix-config',
    meaning: 'Two options contradict each other, or a file that one names cannot be read.',
  },
  KAFKA_LOG_NOT_SHARED: {
    duty: 'fix-config',
    meaning: 'The embedded log belongs to one process, and orderers of the channel run in others; give the addresses of brokers.',
  },
  KAFKA_LOG_FORMAT_UNKNOWN: {
    duty: 'tell-operator',
    meaning: 'A file of the embedded log was written by another version, which can read it.',
  },
}) {}
