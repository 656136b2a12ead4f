# syntax=docker/dockerfile:1
# RabbitMQ 4.2 with the delayed-message plugin, which is no part of the official image. Plugin and broker have to be of
# the same series; there is no plugin for RabbitMQ 4.3.
FROM rabbitmq:4.2-management
ARG PLUGIN_VERSION=4.2.0
ARG PLUGIN_SHA256=f168b2c09810cde3726961d31f38e3408e6a7fbff3929908d6f962061d8e70a1
ADD --chown=rabbitmq:rabbitmq --chmod=644 --checksum=sha256:${PLUGIN_SHA256} \
  https://github.com/rabbitmq/rabbitmq-delayed-message-exchange/releases/download/v${PLUGIN_VERSION}/rabbitmq_delayed_message_exchange-${PLUGIN_VERSION}.ez \
  /plugins/
RUN rabbitmq-plugins enable --offline rabbitmq_delayed_message_exchange
