<?php
/* SPDX-License-Identifier: MIT */
/* php_amqp.php PORT CERTIFICATES: a confirmed message there and back, by mutual TLS and the user of the certificate. */
[, $port, $folder] = $argv;
$connection = new AMQPConnection([
  'host' => 'localhost',
  'port' => (int)$port,
  'vhost' => '/',
  'cacert' => "$folder/ca.pem",
  'cert' => "$folder/client.pem",
  'key' => "$folder/client.key",
  'verify' => true,
  'sasl_method' => AMQP_SASL_METHOD_EXTERNAL,
]);
$connection->connect();
$channel = new AMQPChannel($connection);
$queue = new AMQPQueue($channel);
$queue->setFlags(AMQP_EXCLUSIVE);
$queue->declareQueue();
$channel->confirmSelect();
$channel->setConfirmCallback(fn() => false, fn() => throw new Exception('not confirmed'));
$body = random_bytes(300000);
(new AMQPExchange($channel))->publish($body, $queue->getName());
$channel->waitForConfirm(30);
$message = $queue->get(AMQP_AUTOACK);
if (!$message || $message->getBody() !== $body) {
  exit("another message came back\n");
}
echo "the same message came back\n";
/* Which libraries that took. */
echo implode('', preg_grep('/\.so/', file('/proc/self/maps')));
