"""The payloads that senders make of an uploaded object, in the shapes of their own documentation."""

import base64
import json
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote_plus

from emg_local.uploads import UploadedObject

_ACCOUNT, _REGION = "123456789012", "eu-central-1"

Payload = dict[str, Any]


def supabase_row(uploaded: UploadedObject) -> Payload:
    """Build Supabase's database webhook on storage.objects."""
    return {"type": "INSERT", "table": "objects", "schema": "storage", "record": _row(uploaded), "old_record": None}


def supabase_event(uploaded: UploadedObject) -> Payload:
    """Build Supabase's storage-api with WEBHOOK_URL."""
    tenant = {"ref": "local", "host": "storage.local"}
    payload = {
        "$version": "v1",
        "tenant": tenant,
        "reqId": uploaded.identifier("request"),
        "name": uploaded.key,
        "version": uploaded.identifier(),
        "bucketId": uploaded.bucket,
        "metadata": _metadata(uploaded),
        "uploadType": "standard",
    }
    applied_at = uploaded.nanoseconds // 1_000_000
    event = {"$version": "v1", "type": "ObjectCreated:Post", "payload": payload, "applyTime": applied_at}
    return {"type": "Webhook", "event": event, "sentAt": uploaded.time, "tenant": tenant}


def s3_records(uploaded: UploadedObject, *, source: str = "aws:s3", prefix: str = "") -> Payload:
    """Build S3's message of records, as it reaches SNS, SQS, or a webhook of what speaks like S3."""
    stored = {
        "key": quote_plus(uploaded.key),
        "size": uploaded.size_bytes,
        "eTag": uploaded.md5,
        "sequencer": f"{uploaded.nanoseconds:016X}",
    }
    bucket = {
        "name": uploaded.bucket,
        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
        "arn": f"arn:aws:s3:::{uploaded.bucket}",
    }
    record = {
        "eventVersion": "2.1",
        "eventSource": source,
        "awsRegion": _REGION,
        "eventTime": uploaded.time,
        "eventName": f"{prefix}ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:EXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "recordings", "bucket": bucket, "object": stored},
    }
    return {"Records": [record]}


def minio_records(uploaded: UploadedObject) -> Payload:
    """Build MinIO's webhook: S3's records with the event and the key once more around them."""
    told = s3_records(uploaded, source="minio:s3", prefix="s3:")
    return {"EventName": "s3:ObjectCreated:Put", "Key": f"{uploaded.bucket}/{uploaded.key}"} | told


def eventbridge_event(uploaded: UploadedObject) -> Payload:
    """Build S3's event through EventBridge, whose keys are written as they are."""
    detail = {
        "version": "0",
        "bucket": {"name": uploaded.bucket},
        "object": {
            "key": uploaded.key,
            "size": uploaded.size_bytes,
            "etag": uploaded.md5,
            "sequencer": f"{uploaded.nanoseconds:016X}",
        },
        "request-id": "C3D13FE58DE4C810",
        "requester": _ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }
    return {
        "version": "0",
        "id": uploaded.identifier("delivery"),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": _ACCOUNT,
        "time": uploaded.time,
        "region": _REGION,
        "resources": [f"arn:aws:s3:::{uploaded.bucket}"],
        "detail": detail,
    }


def google_object(uploaded: UploadedObject) -> Payload:
    """Build an object as Google's JSON API shows it."""
    generation = str(uploaded.nanoseconds // 1000)
    return {
        "kind": "storage#object",
        "id": f"{uploaded.bucket}/{uploaded.key}/{generation}",
        "name": uploaded.key,
        "bucket": uploaded.bucket,
        "generation": generation,
        "metageneration": "1",
        "contentType": "application/octet-stream",
        "timeCreated": uploaded.time,
        "updated": uploaded.time,
        "storageClass": "STANDARD",
        "size": str(uploaded.size_bytes),
        "md5Hash": base64.b64encode(bytes.fromhex(uploaded.md5)).decode(),
        "etag": "CLTLj5q2iPsCEAE=",
    }


def pubsub_push(uploaded: UploadedObject) -> Payload:
    """Build a notice of Google's storage through a push subscription of Pub/Sub."""
    told = google_object(uploaded)
    attributes = {
        "notificationConfig": f"projects/_/buckets/{uploaded.bucket}/notificationConfigs/1",
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": uploaded.bucket,
        "objectId": uploaded.key,
        "objectGeneration": told["generation"],
        "eventTime": uploaded.time,
    }
    message = {
        "attributes": attributes,
        "data": base64.b64encode(as_json(told)).decode(),
        "messageId": str(uploaded.nanoseconds),
        "publishTime": uploaded.time,
    }
    return {"message": message, "subscription": "projects/example/subscriptions/recordings"}


def event_grid_events(uploaded: UploadedObject) -> list[Payload]:
    """Build events of Azure's Event Grid in its own schema."""
    event = {
        "topic": "/subscriptions/example/resourceGroups/example/providers/Microsoft.Storage/storageAccounts/example",
        "subject": _blob_subject(uploaded),
        "eventType": "Microsoft.Storage.BlobCreated",
        "id": uploaded.identifier("delivery"),
        "data": _blob(uploaded),
        "dataVersion": "",
        "metadataVersion": "1",
        "eventTime": uploaded.time,
    }
    return [event]


def azure_cloud_event(uploaded: UploadedObject) -> Payload:
    """Build an event of Azure's Event Grid as a CloudEvent."""
    return _cloud_event(uploaded, "Microsoft.Storage.BlobCreated") | {
        "subject": _blob_subject(uploaded),
        "data": _blob(uploaded),
    }


def own_event(uploaded: UploadedObject) -> Payload:
    """Build an event in our own format, for senders that people write themselves."""
    return {"type": "recording.created", "timestamp": uploaded.time, "data": _told(uploaded)}


def own_cloud_event(uploaded: UploadedObject) -> Payload:
    """Build the same as a CloudEvent."""
    return _cloud_event(uploaded, "recording.created") | {"data": _told(uploaded)}


def as_json(payload: Any) -> bytes:  # noqa: ANN401 - whatever JSON can hold
    """Encode a payload."""
    return json.dumps(payload, separators=(",", ":")).encode()


def _told(uploaded: UploadedObject) -> Payload:
    return {
        "bucket": uploaded.bucket,
        "key": uploaded.key,
        "version": uploaded.md5,
        "size_bytes": uploaded.size_bytes,
        "sequence": f"{uploaded.nanoseconds:020d}",
    }


def _cloud_event(uploaded: UploadedObject, kind: str) -> Payload:
    return {
        "specversion": "1.0",
        "id": uploaded.identifier("delivery"),
        "source": f"/storage/{uploaded.bucket}",
        "type": kind,
        "time": uploaded.time,
        "datacontenttype": "application/json",
    }


def _blob_subject(uploaded: UploadedObject) -> str:
    return f"/blobServices/default/containers/{uploaded.bucket}/blobs/{uploaded.key}"


def _blob(uploaded: UploadedObject) -> Payload:
    return {
        "api": "PutBlob",
        "clientRequestId": uploaded.identifier("client"),
        "requestId": uploaded.identifier("request"),
        "eTag": uploaded.md5,
        "contentType": "application/octet-stream",
        "contentLength": uploaded.size_bytes,
        "blobType": "BlockBlob",
        "url": f"https://example.blob.core.windows.net/{uploaded.bucket}/{uploaded.key}",
        "sequencer": f"{uploaded.nanoseconds:040X}",
        "storageDiagnostics": {"batchId": uploaded.identifier("batch")},
    }


def _metadata(uploaded: UploadedObject) -> Payload:
    return {
        "eTag": f'"{uploaded.md5}"',
        "size": uploaded.size_bytes,
        "mimetype": "application/octet-stream",
        "cacheControl": "max-age=3600",
        "lastModified": uploaded.time,
        "contentLength": uploaded.size_bytes,
        "httpStatusCode": 200,
    }


def _row(uploaded: UploadedObject) -> Payload:
    return {
        "id": uploaded.identifier("object"),
        "name": uploaded.key,
        "owner": None,
        "version": uploaded.identifier(),
        "metadata": _metadata(uploaded),
        "owner_id": None,
        "bucket_id": uploaded.bucket,
        "created_at": uploaded.time,
        "updated_at": uploaded.time,
        "path_tokens": list(PurePosixPath(uploaded.key).parts),
        "user_metadata": None,
        "last_accessed_at": uploaded.time,
    }
