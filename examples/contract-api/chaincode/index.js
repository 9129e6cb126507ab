'use strict'

const { AssetTransfer } = require('./lib/asset-transfer')

module.exports.contracts = [AssetTransfer]
