{{/* What pods of ours have in common. */}}

{{- define "emg.podSecurity" -}}
runAsNonRoot: true
{{- if not (kindIs "invalid" .Values.runAsUser) }}
runAsUser: {{ .Values.runAsUser }}
runAsGroup: {{ .Values.runAsUser }}
fsGroup: {{ .Values.runAsUser }}
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "emg.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "emg.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A pod of a long-running program up to its containers: root, part. */}}
{{- define "emg.podHead" -}}
{{- $root := index . 0 }}
{{- $part := index $root.Values (index . 1) -}}
serviceAccountName: {{ include "emg.name" . }}
enableServiceLinks: false
terminationGracePeriodSeconds: 30
{{- include "emg.pullSecrets" $root }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- include "emg.podSecurity" $root | nindent 2 }}
{{- with $part.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with $part.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with $part.affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- if $root.Values.topologySpread }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "emg.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}
initContainers:
  {{- include "emg.schemaContainer" . | nindent 2 }}
{{- end -}}

{{/* Programs refuse to work on another schema: they wait for the migration, which nothing has to wait for. */}}
{{- define "emg.schemaContainer" -}}
{{- $root := index . 0 -}}
- name: schema
  image: {{ include "emg.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [python, -m, emg_session.await_schema]
  env:
    {{- include "emg.databaseVariable" . | nindent 4 }}
  resources:
    {{- toYaml $root.Values.migration.resources | nindent 4 }}
  securityContext:
    {{- include "emg.containerSecurity" $root | nindent 4 }}
{{- end -}}

{{/* No version among the labels: a chart of another version replaces only the pods that differ. */}}
{{- define "emg.podMetadata" -}}
{{- $root := index . 0 }}
{{- $part := index $root.Values (index . 1) -}}
labels:
  {{- include "emg.selector" . | nindent 2 }}
  {{- with $part.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  emg.ghostly/settings: {{ include "emg.checksum" $root }}
  {{- with $part.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Probes of a program whose port has this name. A database that is away is no reason to restart. */}}
{{- define "emg.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: {{ . }}}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: {{ . }}}
  periodSeconds: 10
  timeoutSeconds: 2
readinessProbe:
  httpGet: {path: /readyz, port: {{ . }}}
  periodSeconds: 2
  timeoutSeconds: 2
{{- end -}}

{{- define "emg.webVariables" -}}
{{- include "emg.variables" (dict "EMG_HOST" .Values.web.host "EMG_PORT" (toString .Values.web.port)) }}
{{- end -}}

{{/* The rest of a web program's container: root, part. */}}
{{- define "emg.webContainer" -}}
{{- $root := index . 0 -}}
ports:
  - {name: http, containerPort: {{ $root.Values.web.port }}}
{{ include "emg.probes" "http" }}
# Services forget a pod only some moments after it was told to end.
lifecycle: {preStop: {sleep: {seconds: 5}}}
resources:
  {{- toYaml (index $root.Values (index . 1)).resources | nindent 2 }}
securityContext:
  {{- include "emg.containerSecurity" $root | nindent 2 }}
{{- end -}}
