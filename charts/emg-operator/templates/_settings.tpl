{{/* Where the programs' settings come from. */}}

{{/* The Secret with EMG_DATABASE_URL for a part. */}}
{{- define "emg.databaseSecret" -}}
{{- $root := index . 0 -}}
{{- $own := index $root.Values.database.secrets (index . 1) -}}
{{- if $root.Values.embedded.enabled -}}
{{ include "emg.name" (list $root "database") }}
{{- else if $own -}}
{{ $own }}
{{- else if $root.Values.database.existingSecret -}}
{{ $root.Values.database.existingSecret }}
{{- else -}}
{{ include "emg.name" (list $root "database") }}
{{- end -}}
{{- end -}}

{{- define "emg.storageSecret" -}}
{{- if and .Values.storage.existingSecret (not .Values.embedded.enabled) -}}
{{ .Values.storage.existingSecret }}
{{- else -}}
{{ include "emg.name" (list . "storage") }}
{{- end -}}
{{- end -}}

{{/* EMG_BUCKETS. There is no default among the values, as Helm would add it to yours, and its recordings to your sweep. */}}
{{- define "emg.buckets" -}}
{{- if .Values.buckets -}}
{{ toJson .Values.buckets }}
{{- else if .Values.embedded.enabled -}}
{{ toJson (dict "recordings" "s3://recordings") }}
{{- else -}}
{{ fail "say where recordings are: buckets.NAME=s3://BUCKET, or embedded.enabled=true to try things out" }}
{{- end -}}
{{- end -}}

{{- define "emg.sendersSecret" -}}
{{ .Values.senders.existingSecret | default (include "emg.name" (list . "senders")) }}
{{- end -}}

{{/* A value of an object that is there already, so that what is random stays as it is: root, Secret, key. */}}
{{- define "emg.kept" -}}
{{- $found := lookup "v1" "Secret" (index . 0).Release.Namespace (index . 1) -}}
{{- if $found -}}{{ index ($found.data | default dict) (index . 2) | default "" | b64dec }}{{- end -}}
{{- end -}}

{{/* Rolls pods when a Secret that this chart makes, or any setting, changes. */}}
{{- define "emg.checksum" -}}
{{- $root := . -}}
{{- $inputs := pick .Values "buckets" "env" "database" "storage" "senders" "auth" "embedded" -}}
{{ toJson $inputs | sha256sum }}
{{- end -}}

{{/* Variables by name, as a pod has them: a map of strings. Empty ones are left out. */}}
{{- define "emg.variables" -}}
{{- range $name, $value := . }}
{{- if ne $value "" }}
- name: {{ $name }}
  {{- /* The kubelet would put other variables in place of $(NAME). */}}
  value: {{ $value | replace "$" "$$" | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What every program but the migration needs: root, part. */}}
{{- define "emg.commonVariables" -}}
{{- $root := index . 0 -}}
{{- include "emg.variables" (merge (dict "EMG_BUCKETS" (include "emg.buckets" $root) "EMG_NAMESPACE" $root.Release.Namespace) $root.Values.env) }}
{{ include "emg.databaseVariable" . }}
{{- end -}}

{{- define "emg.databaseVariable" -}}
- name: EMG_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "emg.databaseSecret" . }}
      key: EMG_DATABASE_URL
{{- end -}}

{{/* How workers' pods differ from what the operator makes by itself. */}}
{{- define "emg.workerPod" -}}
{{- $pod := dict -}}
{{- if .Values.serviceAccounts.worker }}{{- $_ := set $pod "serviceAccountName" (include "emg.name" (list . "worker")) }}{{- end -}}
{{- with .Values.worker.priorityClassName }}{{- $_ := set $pod "priorityClassName" . }}{{- end -}}
{{- with .Values.worker.nodeSelector }}{{- $_ := set $pod "nodeSelector" . }}{{- end -}}
{{- with .Values.worker.tolerations }}{{- $_ := set $pod "tolerations" . }}{{- end -}}
{{- if .Values.image.pullSecrets }}
{{- $names := list -}}
{{- range .Values.image.pullSecrets }}{{- $names = append $names (dict "name" .) }}{{- end -}}
{{- $_ := set $pod "imagePullSecrets" $names }}
{{- end -}}
{{- if ne .Values.image.pullPolicy "IfNotPresent" }}{{- $_ := set $pod "imagePullPolicy" .Values.image.pullPolicy }}{{- end -}}
{{- if ne (toString .Values.runAsUser) "65532" }}{{- $_ := set $pod "runAsUser" .Values.runAsUser }}{{- end -}}
{{- if $pod }}{{ toJson $pod }}{{ end -}}
{{- end -}}
